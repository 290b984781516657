// An RFC 862 echo server on .NET's TcpListener and async streams, by Mono. It goes on where
// accept fails.
using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;

static class Program
{
    static async Task Serve(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                var bytes = new byte[16384];
                int n;
                while ((n = await stream.ReadAsync(bytes, 0, bytes.Length)) > 0)
                    await stream.WriteAsync(bytes, 0, n);
            }
            catch (IOException) { }
            catch (ObjectDisposedException) { }
            catch (InvalidOperationException) { }
        }
    }

    static async Task Run()
    {
        var listener = new TcpListener(IPAddress.Loopback, int.Parse(Environment.GetEnvironmentVariable("PORT")));
        listener.Start(4096);
        for (;;)
        {
            TcpClient client = null;
            try
            {
                client = await listener.AcceptTcpClientAsync();
            }
            catch (SocketException) { }
            if (client != null)
                _ = Serve(client);
            else
                await Task.Delay(100);
        }
    }

    static void Main() => Run().Wait();
}
