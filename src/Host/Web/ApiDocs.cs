using LlmPlatform.SharedKernel;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace LlmPlatform.Host.Web;

/// <summary>OpenAPI 3.1 at <c>/openapi/v1.json</c> and a page to read and try it at <c>/scalar</c>.</summary>
internal static class ApiDocs
{
    public static void AddApiDocs(this WebApplicationBuilder builder) => builder.Services.AddOpenApi("v1", options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "LlmPlatform",
                Version = "v1",
                Description = "Sign in at POST /api/v1/auth/token or make an API key, then send either as a bearer token.",
            };
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                ["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An access token or an API key." },
            };
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", document)] = [] }];
            return Task.CompletedTask;
        });
    });

    public static void MapApiDocs(this WebApplication app)
    {
        // The description of the API is for those who may use it.
        app.MapOpenApi("/openapi/{documentName}.json").RequireAuthorization(Policies.Administrator);

        // The page speaks to this server alone: what its maker offers besides comes from elsewhere or goes there.
        app.MapScalarApiReference("/scalar", options => options.WithTitle("LlmPlatform API")
            .DisableDefaultFonts().DisableAgent().DisableMcp().DisableTelemetry().HideDeveloperTools()).AllowAnonymous();
    }
}
