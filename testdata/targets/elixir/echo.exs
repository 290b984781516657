# The echo server of Elixir's guide, "Task and gen_tcp", in blocks instead of lines: a task for
# each connection.
defmodule Echo do
  def listen(port) do
    {:ok, listener} = :gen_tcp.listen(port, [:binary, ip: {127, 0, 0, 1}, packet: :raw, active: false, reuseaddr: true, backlog: 4096])
    {:ok, tasks} = Task.Supervisor.start_link(max_restarts: 1_000_000)
    accept(listener, tasks)
  end

  defp accept(listener, tasks) do
    case :gen_tcp.accept(listener) do
      {:ok, client} ->
        {:ok, pid} = Task.Supervisor.start_child(tasks, fn -> serve(client) end)
        :gen_tcp.controlling_process(client, pid)

      {:error, _} ->
        # out of descriptors: a rest
        receive do
        after
          100 -> :ok
        end
    end

    accept(listener, tasks)
  end

  defp serve(client) do
    with {:ok, bytes} <- :gen_tcp.recv(client, 0),
         :ok <- :gen_tcp.send(client, bytes) do
      serve(client)
    else
      {:error, _} -> :gen_tcp.close(client)
    end
  end
end

Echo.listen(String.to_integer(System.fetch_env!("PORT")))
