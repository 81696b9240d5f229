module example.com/meshbridge

go 1.19
