{-# LANGUAGE OverloadedStrings #-}
-- The hello world of the Snap framework's documentation.
module Main where

import Snap.Core
import Snap.Http.Server

main :: IO ()
main = quickHttpServe (writeBS "hello world")
