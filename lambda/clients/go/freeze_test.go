package meshbridge

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// The wall clock cannot be moved here, so the last use is moved instead.
func TestConnectionsFromBeforeAFreezeAreNotUsed(t *testing.T) {
	connections := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { connections[r.RemoteAddr] = true }))
	defer server.Close()
	transport := &Transport{Proxy: server.URL, TokenFile: t.TempDir() + "/none"}
	defer transport.CloseIdleConnections()
	call := func() {
		request, _ := http.NewRequest("GET", "http://ledger/", nil)
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	call()
	for i, shift := range []time.Duration{-29 * time.Second, -31 * time.Second, time.Hour} {
		transport.usedAt.Store(time.Now().Add(shift).UnixNano())
		call()
		if wanted := []int{1, 2, 3}[i]; len(connections) != wanted {
			t.Errorf("%d connections after %s, not %d", len(connections), shift, wanted)
		}
	}
}
