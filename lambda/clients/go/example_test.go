package meshbridge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/meshbridge"
)

// The README's examples, word for word; TestTheReadmesExamplesAreThese compares them.

func exampleOfACall(*http.Client) error {
	client := meshbridge.NewClient()
	response, err := client.Get("http://ledger/v1/balances?currency=EUR")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode) // 200, or whatever the app said
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

func exampleOfARequest(client *http.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2500*time.Millisecond)
	defer cancel()
	entry := strings.NewReader(`{"amount": 5}`)
	request, err := meshbridge.NewRequest(ctx, http.MethodPost, "ledger", "/v1/entries/größe", entry)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err == nil {
		err = response.Body.Close()
	}
	return err
}

func exampleOfAnError(client *http.Client) error {
	response, err := client.Get("http://payroll/v1/salaries")
	var refused *meshbridge.Error
	switch {
	case errors.Is(err, meshbridge.UpstreamNotAllowed):
		fmt.Println("this function may not call payroll")
	case errors.As(err, &refused):
		fmt.Println(refused.Reason, refused.Status, refused.App) // the reason is fixed text, fit for metrics
		fmt.Println(refused.Message, refused.Reason.Remedy())
	case err == nil:
		response.Body.Close()
	}
	return nil
}

func TestTheReadmesExamplesRun(t *testing.T) {
	proxy := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "payroll" {
			refuse(w, "upstream-not-allowed", http.StatusForbidden)
		}
	})
	t.Setenv("MESHBRIDGE_PROXY", proxy.address)
	t.Setenv("MESHBRIDGE_TOKEN_FILE", proxy.tokenFile)
	client := meshbridge.NewClient()
	t.Cleanup(client.CloseIdleConnections)
	for _, example := range []func(*http.Client) error{exampleOfACall, exampleOfARequest, exampleOfAnError} {
		if err := example(client); err != nil {
			t.Error(err)
		}
	}
	equal(t, proxy.hosts(), []string{"ledger", "ledger", "payroll"})
	equal(t, proxy.seen[1].URL.RequestURI(), "/v1/entries/gr%C3%B6%C3%9Fe")
}

func TestTheReadmesExamplesAreThese(t *testing.T) {
	readme, own := read(t, "README.md"), read(t, "example_test.go")
	examples := strings.Split(readme, "```go\n")[1:]
	equal(t, len(examples), 3)
	for _, example := range examples {
		text, _, _ := strings.Cut(example, "```")
		indented := strings.ReplaceAll("\t"+strings.TrimSuffix(text, "\n"), "\n", "\n\t")
		if !strings.Contains(own, indented) {
			t.Errorf("not in example_test.go:\n%s", indented)
		}
	}
}
