module reactorspec.test/regress/b13

go 1.26

require (
	github.com/lesismal/nbio v1.1.0
	reactorspec.test/conversation v0.0.0
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
