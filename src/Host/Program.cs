using LlmPlatform.Host.Messaging;
using LlmPlatform.Host;
using LlmPlatform.SharedKernel;
using Wolverine.Http;

var builder = WebApplication.CreateBuilder(args);
builder.UseDatabase(Npgsql.NpgsqlDataSource.Create(builder.Configuration.GetConnectionString("Postgres") ?? "Host=127.0.0.1;Port=1"));
foreach (var module in Modules.All)
{
    module.Register(builder);
}
builder.AddMessaging(true);
builder.Services.AddWolverineHttp();
var app = builder.Build();
app.MapWolverineEndpoints(o => o.AddPolicy<ValidationPolicy>());
await app.RunAsync();
