(* An RFC 862 echo server on Lwt: a promise chain for each connection. *)
open Lwt.Infix

let size = 65536

let rec write_all fd bytes at left =
  if left = 0 then Lwt.return_unit
  else Lwt_unix.write fd bytes at left >>= fun n -> write_all fd bytes (at + n) (left - n)

let echo fd =
  let bytes = Bytes.create size in
  let rec go () =
    Lwt_unix.read fd bytes 0 size >>= function
    | 0 -> Lwt.return_unit
    | n -> write_all fd bytes 0 n >>= go
  in
  Lwt.finalize
    (fun () -> Lwt.catch go (fun _ -> Lwt.return_unit))
    (fun () -> Lwt.catch (fun () -> Lwt_unix.close fd) (fun _ -> Lwt.return_unit))

(* Out of descriptors it rests for a moment. *)
let rec accept listener =
  Lwt.catch
    (fun () -> Lwt_unix.accept ~cloexec:true listener >|= fun (fd, _) -> Lwt.async (fun () -> echo fd))
    (function Unix.Unix_error _ -> Lwt_unix.sleep 0.1 | e -> Lwt.fail e)
  >>= fun () -> accept listener

let () =
  Sys.set_signal Sys.sigpipe Sys.Signal_ignore;
  let listener = Lwt_unix.socket ~cloexec:true Unix.PF_INET Unix.SOCK_STREAM 0 in
  Lwt_unix.setsockopt listener Unix.SO_REUSEADDR true;
  Lwt_main.run
    ( Lwt_unix.bind listener (Unix.ADDR_INET (Unix.inet_addr_loopback, int_of_string (Sys.getenv "PORT"))) >>= fun () ->
      Lwt_unix.listen listener 4096;
      accept listener )
