#lang racket/base
;; The echo server of Racket's guide on TCP, with copy-port: a green thread for each connection.
(require racket/port racket/tcp)

(define listener (tcp-listen (string->number (getenv "PORT")) 1024 #t "127.0.0.1"))

(define (serve in out)
  (file-stream-buffer-mode out 'none)
  (with-handlers ([exn:fail? void])
    (copy-port in out))
  (with-handlers ([exn:fail? void])
    (close-output-port out))
  (tcp-abandon-port in)
  (tcp-abandon-port out))

(let loop ()
  (with-handlers ([exn:fail:network? (lambda (_) (sleep 0.1))]) ; out of descriptors: a rest
    (define-values (in out) (tcp-accept listener))
    (thread (lambda () (serve in out))))
  (loop))
