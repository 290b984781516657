module reactorspec.test/regress/b7

go 1.26

require (
	github.com/lesismal/nbio v1.5.3
	reactorspec.test/conversation v0.0.0
)

require golang.org/x/sys v0.16.0 // indirect

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
