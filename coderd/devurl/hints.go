package devurl

import "net/http"

// hintWriter lets nothing but links through with answers of 1xx, which come before
// response has a look at the headers, and lets nobody guess the type of an answer
// that has none.
type hintWriter struct{ http.ResponseWriter }

// WriteHeader begins the answer, or says something before it.
func (w hintWriter) WriteHeader(status int) {
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		for name := range w.Header() {
			if name != "Link" {
				w.Header().Del(name)
			}
		}
	} else if _, typed := w.Header()["Content-Type"]; !typed {
		w.Header()["Content-Type"] = nil
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w hintWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
