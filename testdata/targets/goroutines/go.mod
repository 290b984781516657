module reactorspec.test/goroutines

go 1.26

require reactorspec.test/conversation v0.0.0

replace reactorspec.test/conversation => ../conversation
