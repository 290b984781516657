<?php
// An RFC 862 echo server on PHP's stream_select: what could not be written at once is kept,
// and nothing is read until it has gone. A client that was reset is found by its read.
error_reporting(E_ALL & ~E_WARNING & ~E_NOTICE);

$context = stream_context_create(['socket' => ['backlog' => 4096]]);
$server = stream_socket_server('tcp://127.0.0.1:' . getenv('PORT'), $code, $message, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, $context);
if ($server === false) {
    fwrite(STDERR, "cannot listen: $message\n");
    exit(1);
}
$clients = [];
$due = [];
$resting = false; // out of descriptors

while (true) {
    $read = array_diff_key($clients, $due);
    if (!$resting) {
        $read[] = $server;
    }
    $write = array_intersect_key($clients, $due);
    $except = null;
    if (!$read && !$write) {
        usleep(100000);
    } elseif (stream_select($read, $write, $except, $resting ? 0 : null, $resting ? 100000 : null) === false) {
        continue;
    }
    $resting = false;
    foreach ($read as $stream) {
        if ($stream === $server) {
            $client = stream_socket_accept($server, 0);
            if ($client === false) {
                $resting = true;
                continue;
            }
            stream_set_blocking($client, false);
            stream_set_read_buffer($client, 0);
            stream_set_write_buffer($client, 0);
            $clients[(int) $client] = $client;
            continue;
        }
        $bytes = fread($stream, 65536);
        if ($bytes !== '' && $bytes !== false) {
            $due[(int) $stream] = $bytes;
            $write[] = $stream;
        } elseif ($bytes === false || feof($stream)) {
            unset($clients[(int) $stream]);
            fclose($stream);
        }
    }
    foreach ($write as $stream) {
        $id = (int) $stream;
        $written = fwrite($stream, $due[$id]);
        if ($written === false) {
            if (feof($stream) || !is_int(error_get_last()['type'] ?? 0) || !str_contains(error_get_last()['message'] ?? '', 'Resource temporarily unavailable')) {
                unset($clients[$id], $due[$id]);
                fclose($stream);
            }
            error_clear_last();
            continue;
        }
        $due[$id] = substr($due[$id], $written);
        if ($due[$id] === '') {
            unset($due[$id]);
        }
    }
}
