package meshbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/meshbridge"
)

type shared struct {
	Reason meshbridge.Reason
	Remedy string
}

func reasons(t *testing.T) []shared {
	var file struct{ Errors []shared }
	if err := json.Unmarshal([]byte(read(t, "../conformance/errors.json")), &file); err != nil {
		t.Fatal(err)
	}
	return file.Errors
}

// constants are the package's own, by reason.
func constants(t *testing.T) map[meshbridge.Reason]string {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[meshbridge.Reason]string{}
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Reason" {
				text, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				found[meshbridge.Reason(text)] = spec.Names[0].Name
			}
		}
		return true
	})
	return found
}

func TestTheListOfReasonsIsThatOfEveryLanguage(t *testing.T) {
	names := map[meshbridge.Reason]string{}
	for _, one := range reasons(t) {
		for _, word := range strings.Split(string(one.Reason), "-") {
			names[one.Reason] += strings.ToUpper(word[:1]) + word[1:]
		}
		equal(t, one.Reason.Remedy(), one.Remedy)
	}
	equal(t, constants(t), names)
}

func TestAnErrorOfTheProxyIsWhatItIs(t *testing.T) {
	var reason meshbridge.Reason
	p := start(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, reason, http.StatusBadGateway) })
	for _, one := range append(reasons(t), shared{Reason: "moon-in-the-way"}) {
		reason = one.Reason
		_, err := p.do("GET", "ledger", "/", nil)
		e := failsWith(t, err, reason)
		equal(t, []any{e.Reason, e.Status, e.App, e.Message}, []any{reason, 502, "ledger", "what and remedy"})
		equal(t, e.Error(), "meshbridge: "+string(reason)+": what and remedy")
	}
	_, connections := p.count()
	equal(t, connections, 1)
}

func TestAnErrorWithoutASoundBodyHasTheRemedyForAMessage(t *testing.T) {
	var body string
	p := start(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-meshbridge-error", "throttled")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, body)
	})
	for _, body = range []string{"", "null", "[]", `"x"`, `{"error": 1}`, `{"message": 5}`, "\xff", strings.Repeat("x", 100_000)} {
		_, err := p.do("GET", "ledger", "/", nil)
		equal(t, failsWith(t, err, meshbridge.Throttled).Message, meshbridge.Throttled.Remedy())
	}
}

func TestASilentProxyIsGivenUp(t *testing.T) {
	p := start(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	request, _ := meshbridge.NewRequest(short, "GET", "ledger", "/", nil)
	_, err := p.send(request)
	equal(t, failsWith(t, err, meshbridge.DeadlineExceeded).Status, 0)

	p.transport.Timeout = 50 * time.Millisecond
	_, err = p.do("GET", "ledger", "/", nil)
	e := failsWith(t, err, meshbridge.DeadlineExceeded)
	equal(t, errors.Is(err, context.DeadlineExceeded), true)
	equal(t, e.Timeout(), true)
}

func TestAnAddressThatCannotBeTheProxysIsRefused(t *testing.T) {
	for _, address := range []string{
		"https://127.0.0.1:8181", "http://10.0.0.1:8181", "http://example.com", "http://127.0.0.1:8181/path", "127.0.0.1:8181",
		"unix:proxy.sock", "http://user@127.0.0.1:8181", "http://127.0.0.1.example.com:8181", "http://[::2]", "http://127.0.0.1:x",
	} {
		client := &http.Client{Transport: &meshbridge.Transport{Proxy: address}}
		_, err := client.Get("http://ledger/")
		failsWith(t, err, meshbridge.ConfigurationInvalid)
	}
}

func TestTheLicenceIsThatOfTheProject(t *testing.T) {
	equal(t, read(t, "LICENSE") == read(t, "../../../LICENSE"), true)
}
