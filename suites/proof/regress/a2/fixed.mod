module reactorspec.test/regress/a2

go 1.26

require reactorspec.test/conversation v0.0.0

require github.com/xtaci/gaio v1.2.12

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
