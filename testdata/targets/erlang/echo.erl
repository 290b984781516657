%% An RFC 862 echo server on gen_tcp, active once: a process for each connection.
-module(echo).
-export([start/0]).

start() ->
    {ok, Listener} = gen_tcp:listen(list_to_integer(os:getenv("PORT")),
                                    [binary, {ip, {127, 0, 0, 1}}, {active, false}, {reuseaddr, true},
                                     {backlog, 4096}, {exit_on_close, false}]),
    accept(Listener).

accept(Listener) ->
    case gen_tcp:accept(Listener) of
        {ok, Socket} ->
            Child = spawn(fun() -> receive go -> serve(Socket) end end),
            _ = gen_tcp:controlling_process(Socket, Child),
            Child ! go;
        {error, _} -> % out of descriptors: a rest
            receive after 100 -> ok end
    end,
    accept(Listener).

serve(Socket) ->
    _ = inet:setopts(Socket, [{active, once}]),
    receive
        {tcp, Socket, Bytes} ->
            case gen_tcp:send(Socket, Bytes) of
                ok -> serve(Socket);
                {error, _} -> gen_tcp:close(Socket)
            end;
        {tcp_closed, Socket} -> gen_tcp:close(Socket);
        {tcp_error, Socket, _} -> gen_tcp:close(Socket)
    end.
