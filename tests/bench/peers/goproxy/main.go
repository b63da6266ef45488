// A proxy on goproxy that does gitlatch's job, after the library's README ("MITM") and its certstorage example: the
// benchmark's peer. Ends the client's TLS with certificates of a CA, which it keeps; adds the Authorization; verifies the origin.
//
//	goproxy LISTEN_PORT CA_PEM CA_KEY ORIGIN_CA ORIGIN_PORT AUTHORIZATION
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/elazarl/goproxy"
)

type store struct {
	lock  sync.Mutex
	known map[string]*tls.Certificate
}

func (s *store) Fetch(host string, make func() (*tls.Certificate, error)) (*tls.Certificate, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if found, ok := s.known[host]; ok {
		return found, nil
	}
	made, err := make()
	if err == nil {
		s.known[host] = made
	}
	return made, err
}

func main() {
	port, caFile, keyFile, trustFile, originPort, authorization := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	ca, err := tls.LoadX509KeyPair(caFile, keyFile)
	if err != nil {
		log.Fatal(err)
	}
	if ca.Leaf, err = x509.ParseCertificate(ca.Certificate[0]); err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(trustFile)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)

	proxy := goproxy.NewProxyHttpServer()
	proxy.Logger = log.New(io.Discard, "", 0)
	proxy.CertStore = &store{known: map[string]*tls.Certificate{}}
	proxy.Tr = &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, ServerName: "github.com", MinVersion: tls.VersionTLS13},
		MaxIdleConnsPerHost: 128,
		DisableCompression:  true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+originPort)
		},
	}
	action := &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: goproxy.TLSConfigFromCA(&ca)}
	proxy.OnRequest().HandleConnect(goproxy.FuncHttpsHandler(func(host string, ctx *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return action, host
	}))
	proxy.OnRequest().DoFunc(func(r *http.Request, ctx *goproxy.ProxyCtx) (*http.Request, *http.Response) {
		r.Header.Set("Authorization", authorization)
		return r, nil
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, proxy))
}
