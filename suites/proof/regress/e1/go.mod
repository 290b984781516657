module reactorspec.test/regress/e1

go 1.26

require reactorspec.test/conversation v0.0.0

require github.com/kavu/go_reuseport v1.5.0 // indirect

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
