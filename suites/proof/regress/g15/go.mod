module reactorspec.test/regress/g15

go 1.26

require (
	github.com/panjf2000/gnet v1.2.4
	reactorspec.test/conversation v0.0.0
)

require (
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/sys v0.0.0-20200625212154-ddb9806d33ae // indirect
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
