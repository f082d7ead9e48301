namespace LlmPlatform.Admin.Contracts;

/// <summary>
/// Something that the audit trail keeps for ever. It is published in the transaction that did the act, so an act that is done is audited and
/// one that failed is not. It holds ids and never personal text.
/// </summary>
/// <param name="Id">This act; a second delivery of the same id changes nothing.</param>
/// <param name="ActorId">Who did it; <see cref="Guid.Empty"/> for the platform itself.</param>
/// <param name="Action">What was done, such as <c>auth.api_key_created</c>.</param>
/// <param name="Target">What it was done to, such as <c>model:stories260k</c> or <c>user:…</c>.</param>
/// <param name="At">When.</param>
public sealed record ActPerformed(Guid Id, Guid ActorId, string Action, string Target, DateTimeOffset At);
