package meshbridge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// A requestBody keeps what the caller's own body fails with apart from what the connection does.
type requestBody struct {
	reader  io.ReadCloser
	getBody func() (io.ReadCloser, error)

	mutex  sync.Mutex
	closed bool
	err    error
}

func newRequestBody(request *http.Request) *requestBody {
	return &requestBody{reader: request.Body, getBody: request.GetBody}
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	if err != nil && err != io.EOF {
		b.mutex.Lock()
		defer b.mutex.Unlock()
		// After an early answer, net/http closes a body under its own reader.
		if !b.closed {
			b.err = err
		}
	}
	return n, err
}

func (b *requestBody) Close() error {
	b.mutex.Lock()
	b.closed = true
	b.mutex.Unlock()
	return b.reader.Close()
}

func (b *requestBody) close() {
	if b.reader != nil {
		_ = b.reader.Close()
	}
}

func (b *requestBody) empty() bool { return b.reader == nil || b.reader == http.NoBody }

func (b *requestBody) putInto(request *http.Request) {
	if !b.empty() {
		request.Body = b
	}
}

// again is the body once more, if it can be had once more.
func (b *requestBody) again() (*requestBody, bool) {
	if b.empty() {
		return b, true
	}
	if b.getBody == nil {
		return nil, false
	}
	reader, err := b.getBody()
	if err != nil {
		return nil, false
	}
	return &requestBody{reader: reader, getBody: b.getBody}, true
}

func (b *requestBody) failure() error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.err
}

// A watch ends one attempt when it takes too long, and knows why it ended.
type watch struct {
	call   *call
	body   *requestBody
	cancel context.CancelFunc

	mutex   sync.Mutex
	timer   *time.Timer
	expired bool
}

func newWatch(call *call, body *requestBody, cancel context.CancelFunc) *watch {
	return &watch{call: call, body: body, cancel: cancel}
}

// arm limits what follows, if the call has a limit.
func (w *watch) arm(limit time.Duration) {
	if w.call.timeout == 0 {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.timer != nil {
		w.timer.Reset(limit)
		return
	}
	w.timer = time.AfterFunc(limit, func() {
		w.mutex.Lock()
		w.expired = true
		w.mutex.Unlock()
		w.cancel()
	})
}

func (w *watch) disarm() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *watch) close() {
	w.disarm()
	w.cancel()
}

// explain names what can go wrong between this process and the proxy.
func (w *watch) explain(err error) error {
	w.mutex.Lock()
	expired := w.expired
	w.mutex.Unlock()
	var dial *dialError
	switch own := w.call.request.Context().Err(); {
	case w.body.failure() != nil:
		return w.body.failure()
	case errors.Is(own, context.Canceled):
		return own
	case expired, own != nil, errors.Is(err, context.DeadlineExceeded):
		return w.call.errorf(DeadlineExceeded, context.DeadlineExceeded, "no answer in time; %s", DeadlineExceeded.Remedy())
	case errors.As(err, &dial):
		return w.call.errorf(ProxyUnreachable, err, "no connection to the proxy: %v; %s", err, ProxyUnreachable.Remedy())
	default:
		return w.call.errorf(ConnectionLost, err, "the connection broke: %v; %s", err, ConnectionLost.Remedy())
	}
}

// A responseBody is the app's, with this package's errors.
type responseBody struct {
	io.ReadCloser
	watch *watch
}

func (b *responseBody) Read(p []byte) (int, error) {
	b.watch.arm(b.watch.call.timeout)
	n, err := b.ReadCloser.Read(p)
	b.watch.disarm()
	if err != nil && err != io.EOF {
		err = b.watch.explain(err)
	}
	return n, err
}

func (b *responseBody) Close() error {
	err := b.ReadCloser.Close()
	b.watch.close()
	return err
}
