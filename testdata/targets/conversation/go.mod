module reactorspec.test/conversation

go 1.26
