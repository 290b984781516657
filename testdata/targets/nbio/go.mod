module reactorspec.test/nbio

go 1.26

require reactorspec.test/conversation v0.0.0

require github.com/lesismal/nbio v1.6.12

replace reactorspec.test/conversation => ../conversation
