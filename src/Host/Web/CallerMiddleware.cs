using LlmPlatform.SharedKernel;

namespace LlmPlatform.Host.Web;

internal static class CallerMiddleware
{
    /// <summary>Notes who asks, so that handlers can take a CurrentUser.</summary>
    public static void UseCaller(this WebApplication app) => app.Use(static (context, next) =>
    {
        if (context.User.Identity is { IsAuthenticated: true })
        {
            context.RequestServices.GetRequiredService<Caller>().Current = CurrentUser.From(context.User);
        }

        return next(context);
    });
}
