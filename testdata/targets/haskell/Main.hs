-- | The echo server of the documentation of GHC's network package: a green thread for each
-- connection, on the runtime's event manager. It goes on where accept fails.
module Main (main) where

import Control.Concurrent (forkFinally, threadDelay)
import qualified Control.Exception as E
import Control.Monad (forever, unless, void)
import qualified Data.ByteString as S
import Network.Socket
import Network.Socket.ByteString (recv, sendAll)
import System.Environment (getEnv)

main :: IO ()
main = withSocketsDo $ do
  port <- getEnv "PORT"
  E.bracket (open (read port)) close loop
  where
    open port = E.bracketOnError (socket AF_INET Stream defaultProtocol) close $ \sock -> do
      setSocketOption sock ReuseAddr 1
      withFdSocket sock setCloseOnExecIfNeeded
      bind sock (SockAddrInet port (tupleToHostAddress (127, 0, 0, 1)))
      listen sock 1024
      return sock
    loop sock = forever $ do
      accepted <- E.try (accept sock) :: IO (Either E.IOException (Socket, SockAddr))
      case accepted of
        Left _ -> threadDelay 100000
        Right (conn, _) -> void $ forkFinally (talk conn) (const $ close conn)
    talk s = do
      msg <- recv s 16384
      unless (S.null msg) $ do
        sendAll s msg
        talk s
