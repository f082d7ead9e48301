using LlmPlatform.Inference.Engine.Generation;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>The three answers to a constraint that is not taken. The place is a JSON pointer or a position in the text.</summary>
internal static class ConstraintErrors
{
    internal const string TooLargeCode = "constraint.too_large";

    internal static RequestRefusedException Invalid(string what, string where) => new("constraint.invalid", $"{what} (at {where})");

    internal static RequestRefusedException Unsupported(string keyword, string where) =>
        new("constraint.unsupported", $"'{keyword}' is not supported in constrained output (at {where})");

    internal static RequestRefusedException TooLarge(string what, string where) => new(TooLargeCode, $"{what} (at {where})");
}
