package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// scene is who signs in where: the file that the suite writes.
type scene struct {
	Base         string `json:"base"`
	Tenant       string `json:"tenant"`
	Subscription string `json:"subscription"`
	Certificate  string `json:"certificate"`
	Owner        caller `json:"owner"`
	Stranger     caller `json:"stranger"`
	Spare        caller `json:"spare"`
	User         struct {
		Name     string `json:"name"`
		Password string `json:"password"`
	} `json:"user"`
}

type caller struct {
	ClientID string `json:"clientId"`
	Secret   string `json:"secret"`
	ObjectID string `json:"objectId"`
}

// report prints one line of JSON for each case; the Python drivers' report.py says what is in it.
type report struct {
	flavour  string
	requests [][]any
}

func (r *report) saw(request *http.Request, status int) {
	if strings.Contains(request.URL.Path, "/oauth2/") || strings.Contains(request.URL.Path, "/.well-known/") {
		return
	}
	version := request.URL.Query().Get("api-version")
	r.requests = append(r.requests, []any{request.Method, request.URL.Path, version, status})
}

// Do makes the report a policy of azcore's pipeline, placed after the retries, so that it sees each of them.
func (r *report) Do(request *policy.Request) (*http.Response, error) {
	response, err := request.Next()
	if err == nil {
		r.saw(request.Raw(), response.StatusCode)
	}
	return response, err
}

func (r *report) outcome(operation, name string, ok bool, seen string, since time.Time) {
	if len(seen) > 600 {
		seen = seen[:600]
	}
	if ok {
		seen = ""
	}
	requests := r.requests
	if requests == nil {
		requests = [][]any{}
	}
	r.requests = nil
	print(map[string]any{
		"flavour": r.flavour, "operation": operation, "case": name, "ok": ok, "seen": seen,
		"seconds": time.Since(since).Seconds(), "requests": requests,
	})
}

func print(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stdout, string(text))
}

// succeeds runs what must end without an error and with an answer that passes its own check.
func (r *report) succeeds(operation string, call func() error) {
	since := time.Now()
	err := call()
	r.outcome(operation, "succeeds", err == nil, fmt.Sprint(err), since)
}

// fails runs what must end with this status and, unless it is empty, this code of ARM.
func (r *report) fails(operation, name string, status int, code string, call func() error) {
	since := time.Now()
	err := call()
	var refusal *azcore.ResponseError
	ok := errors.As(err, &refusal) && refusal.StatusCode == status && (code == "" || refusal.ErrorCode == code)
	r.outcome(operation, name, ok, fmt.Sprintf("expected %d %s: %v", status, code, err), since)
}

// not says what was wrong with an answer, when it was.
func not(ok bool, answer any) error {
	if ok {
		return nil
	}
	text, _ := json.Marshal(answer)
	return fmt.Errorf("not as expected: %s", text)
}
