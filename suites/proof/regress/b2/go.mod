module reactorspec.test/regress/b2

go 1.26

require reactorspec.test/conversation v0.0.0

require github.com/lesismal/nbio v1.3.17

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
