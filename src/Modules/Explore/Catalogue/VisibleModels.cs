using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>
/// Which installed models somebody may know of. Inference is asked each time, because it alone decides that: what somebody may not use does not exist
/// for them, neither as a row nor as a name beside the row that it came from.
/// </summary>
/// <param name="Names">Their names; null for all.</param>
internal sealed record VisibleModels(IReadOnlyList<string>? Names)
{
    public static VisibleModels All { get; } = new((IReadOnlyList<string>?)null);

    public static async Task<VisibleModels> ToAsync(CurrentUser caller, IModelCatalog catalog, CancellationToken cancellation)
    {
        if (caller.Models.Count == 0 && caller.May(Permissions.Models))
        {
            return All;
        }

        var user = new ModelUser(caller.Id, caller.Role) { Groups = caller.Groups, Models = caller.Models, ManagesModels = caller.May(Permissions.Models) };
        return new VisibleModels([.. (await catalog.ListAsync(user, cancellation)).Where(m => m.Kind == ModelKind.Installed).Select(m => m.Name)]);
    }

    public bool Has(ModelRow model) => Names is null || model.Source != ModelSource.Installed || Names.Contains(model.Name);

    /// <summary>The model as somebody may see it.</summary>
    public ModelRow Of(ModelRow model) => Names is null ? model : model with { InstalledNames = [.. model.InstalledNames.Where(Names.Contains)] };
}
