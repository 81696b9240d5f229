module example.com/meshbridge/conformance

go 1.19

require example.com/meshbridge v0.1.0

replace example.com/meshbridge => ../../../go
