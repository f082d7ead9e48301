using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Wolverine;

namespace LlmPlatform.Auth.Avatars;

/// <summary>Gives somebody another picture, in place of the one there is.</summary>
/// <param name="UserId">Whose picture.</param>
/// <param name="Image">The picture as it was drawn.</param>
public sealed record SetAvatar(Guid UserId, ReadOnlyMemory<byte> Image);

public static class SetAvatarHandler
{
    public static async Task<OutgoingMessages> Handle(SetAvatar command, IDocumentSession session, DateTimeOffset now, CancellationToken cancellation)
    {
        // Whoever is erased at this moment must not leave a picture behind.
        await session.LockAsync(Administrators.Lock, cancellation);
        _ = await session.LoadAsync<User>(command.UserId, cancellation) ?? throw Refusal.Unauthenticated();
        AvatarTable.Store(session, command.UserId, command.Image.ToArray());
        return [Act.Of(command.UserId, "auth.avatar_changed", Act.User(command.UserId), now)];
    }
}

internal static class AvatarRoad
{
    /// <summary>Maps by hand what takes a file, which is no JSON.</summary>
    public static void MapAvatars(this IEndpointRouteBuilder routes) => routes.MapPut("/api/v1/auth/me/avatar", PutAsync)
        .RequireAuthorization()
        .WithName("setAvatar").WithSummary("Set your picture: a PNG, JPEG or WebP file as the body").WithTags("Users")
        .Produces(204).Produces<ProblemDetails>(413).Produces<ProblemDetails>(415);

    private static async Task<IResult> PutAsync(HttpContext context, AvatarPictures pictures, IMessageBus bus)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = AvatarPictures.LargestFile;
        using var file = new MemoryStream();
        await context.Request.Body.CopyToAsync(file, context.RequestAborted);
        var image = await pictures.DrawAsync(file.ToArray(), context.RequestAborted);
        await bus.InvokeAsync(new SetAvatar(CurrentUser.From(context.User).Id, image), context.RequestAborted);
        return TypedResults.NoContent();
    }
}
