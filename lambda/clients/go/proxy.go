package meshbridge

import (
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const longestToken = 4096

// A dialError tells a proxy that is not there from a connection that broke.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// A tokenFile is the token, read again whenever its file is another one than before.
type tokenFile struct {
	path string

	mutex    sync.Mutex
	info     os.FileInfo
	modified time.Time
	token    string
}

// read is the token, or nothing where there is none; a doubted one is read anew even from an unchanged file.
func (f *tokenFile) read(doubted string) string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		f.info, f.token = nil, ""
		return ""
	}
	same := f.info != nil && os.SameFile(info, f.info) && info.Size() == f.info.Size() && info.ModTime().Equal(f.modified)
	if same && f.token != doubted {
		return f.token
	}
	f.info, f.modified, f.token = info, info.ModTime(), ""
	if text, err := os.ReadFile(f.path); err == nil && len(text) <= longestToken {
		if token := strings.TrimSpace(string(text)); isVisible(token) {
			f.token = token
		}
	}
	return f.token
}

func isVisible(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}
