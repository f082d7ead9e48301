using System.Globalization;
using System.Text;
using LlmPlatform.ModuleTests.Chat;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Durability;

/// <summary>
/// B1: readers whose sockets are dropped at random tokens, and a host that is killed at another. Two kills of six readers here; as many as
/// <c>LLMP_REPLY_KILLS</c> says by command, with the seed <c>LLMP_REPLY_SEED</c>.
/// </summary>
public sealed class ReplyKillTests : IDisposable
{
    private const int Readers = 6;
    private const int Tokens = 400;
    private static readonly int Kills = Setting("LLMP_REPLY_KILLS", 2);
    private readonly Random random = new(Setting("LLMP_REPLY_SEED", 1));
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-reply-kill-");

    [Fact]
    public async Task What_readers_put_together_over_dropped_sockets_and_a_killed_host_is_what_is_stored()
    {
        await using (var file = File.Create(Path.Combine(folder.FullName, "slow.gguf")))
        {
            TinyModel.Write(file, TinyShape.Medium, seed: 3);
        }

        var host = await StartAsync();
        using (var administrator = await host.AdministratorAsync())
        {
            Assert.Equal("succeeded", (await administrator.InstallAsync($"file://{folder.FullName}/slow.gguf", "slow")).Text("state"));
        }

        var (interrupted, dropped) = (0, 0);
        for (var kill = 0; kill < Kills; kill++)
        {
            List<Reader> readers;
            using (var client = await host.AdministratorAsync())
            {
                var seen = 0;
                var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                var killAt = random.Next(30, Readers * Tokens / 3);
                readers = [.. Enumerable.Range(0, Readers).Select(i => new Reader(new Random(random.Next()), () =>
                {
                    if (Interlocked.Increment(ref seen) >= killAt)
                    {
                        enough.TrySetResult();
                    }
                }))];
                var reading = readers.Select(reader => reader.ReadAsync(client)).ToList();
                await Task.WhenAny(enough.Task, Task.WhenAll(reading));
                await host.KillAsync();
                await Task.WhenAll(reading);
            }

            host = await StartAsync();
            using (var client = await host.AdministratorAsync())
            {
                foreach (var reader in readers)
                {
                    interrupted += await reader.CompareAsync(client) ? 1 : 0;
                    dropped += reader.Drops;
                }

                await readers[0].ContinueAsync(client);
            }
        }

        Assert.True(interrupted > Kills && dropped > Kills, $"{interrupted} replies were interrupted and {dropped} sockets dropped: too few to say anything");
        TestContext.Current.SendDiagnosticMessage($"{Kills * Readers} replies, {Kills} kills, {interrupted} interrupted, {dropped} sockets dropped");
        await host.DisposeAsync();
    }

    public void Dispose() => folder.Delete(recursive: true);

    private Task<ReleaseHost> StartAsync() => ReleaseHost.StartAsync(Path.Combine(folder.FullName, "data"), folder.FullName);

    private static int Setting(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private sealed class Reader(Random random, Action saw)
    {
        private readonly StringBuilder text = new();
        private string conversation = "";
        private string? message;
        private string? last;

        public int Drops { get; private set; }

        private string Path => $"/api/v1/chat/conversations/{conversation}/messages";

        /// <summary>Reads on over dropped sockets until the end or the host's.</summary>
        public async Task ReadAsync(HttpClient client)
        {
            conversation = (await client.StartAsync(new { model = "slow" })).Text("id")!;
            try
            {
                using (var open = await client.OpenAsync(HttpMethod.Post, Path, new { content = "Once", maxTokens = Tokens }))
                {
                    if (await TakeAsync(open, random.Next(1, 60)))
                    {
                        return;
                    }
                }

                while (true)
                {
                    Drops++;
                    using var open = await client.OpenAsync(HttpMethod.Get, $"{Path}/{message}/stream", lastEventId: last);
                    if (await TakeAsync(open, random.Next(1, 120)))
                    {
                        return;
                    }
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                // The host is dead.
            }
        }

        /// <summary>Reads the rest, which is what is stored; true where the reply was interrupted.</summary>
        public async Task<bool> CompareAsync(HttpClient client)
        {
            if (message is null)
            {
                return false; // killed before it was acknowledged
            }

            using (var open = await client.OpenAsync(HttpMethod.Get, $"{Path}/{message}/stream", lastEventId: last))
            {
                if (open.StatusCode != System.Net.HttpStatusCode.NoContent)
                {
                    Assert.True(await TakeAsync(open, int.MaxValue));
                }
            }

            var stored = (await client.GetJsonAsync($"/api/v1/chat/conversations/{conversation}")).GetProperty("messages")[1];
            Assert.Contains(stored.Text("state"), (string[])["completed", "interrupted"]);
            Assert.Equal(stored.Text("content"), text.ToString());
            return stored.Text("state") == "interrupted";
        }

        public async Task ContinueAsync(HttpClient client)
        {
            using var open = await client.OpenAsync(HttpMethod.Post, $"{Path}/{message}/continue", new { maxTokens = 20 });
            last = null; // it begins before the end that was told, where the message now goes on
            Assert.True(await TakeAsync(open, int.MaxValue));
            var stored = (await client.GetJsonAsync($"/api/v1/chat/conversations/{conversation}")).GetProperty("messages")[1];
            Assert.Equal("completed", stored.Text("state"));
            Assert.Equal(stored.Text("content"), text.ToString());
        }

        /// <summary>True at the end of the reply; false where the socket is dropped before it.</summary>
        private async Task<bool> TakeAsync(HttpResponseMessage open, int most)
        {
            await foreach (var e in open.EventsAsync())
            {
                message ??= e.Data.Text("messageId");
                Assert.True(last is null || e.Place >= long.Parse(last, CultureInfo.InvariantCulture));
                last = e.Id;
                if (e.Name == "delta")
                {
                    text.Append(e.Data.Text("text"));
                    saw();
                }

                if (e.Name is "done" or "error")
                {
                    return true;
                }

                if (--most == 0)
                {
                    return false;
                }
            }

            throw new IOException("The stream ended without an end.");
        }
    }
}
