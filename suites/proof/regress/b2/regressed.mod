module reactorspec.test/regress/b2

go 1.26

require reactorspec.test/conversation v0.0.0

require github.com/lesismal/nbio v1.6.3

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
