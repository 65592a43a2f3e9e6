// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Package headlessonly is a CoreDNS plugin: names that resolve into given ranges do not exist.
//
// GKE's additive VPC scope publishes headless Services only. The kubernetes plugin answers for every Service, so
//
//	headlessonly 10.30.0.0/20
//
// before it, with the cluster's Service range, turns each answer holding an address of that range into NXDOMAIN.
package headlessonly

import (
	"context"
	"net/netip"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
)

const name = "headlessonly"

// negativeTTL, in seconds, is how long a resolver may remember that a name does not exist.
const negativeTTL = 10

func init() { plugin.Register(name, setup) }

func setup(controller *caddy.Controller) error {
	var hidden []netip.Prefix
	for controller.Next() {
		ranges := controller.RemainingArgs()
		if len(ranges) == 0 {
			return plugin.Error(name, controller.ArgErr())
		}
		for _, text := range ranges {
			prefix, err := netip.ParsePrefix(text)
			if err != nil {
				return plugin.Error(name, controller.Errf("%q is not a range: %v", text, err))
			}
			hidden = append(hidden, prefix)
		}
	}
	config := dnsserver.GetConfig(controller)
	config.AddPlugin(func(next plugin.Handler) plugin.Handler {
		return &HeadlessOnly{Next: next, Hidden: hidden, Zone: config.Zone}
	})
	return nil
}

// HeadlessOnly answers NXDOMAIN where Next answers with an address inside Hidden.
type HeadlessOnly struct {
	Next   plugin.Handler
	Hidden []netip.Prefix
	Zone   string
}

// Name implements plugin.Handler.
func (h *HeadlessOnly) Name() string { return name }

// ServeDNS implements plugin.Handler.
func (h *HeadlessOnly) ServeDNS(ctx context.Context, writer dns.ResponseWriter, query *dns.Msg) (int, error) {
	answer, code, err := h.ask(ctx, writer, query)
	if answer == nil || err != nil {
		return code, err
	}
	hide := h.hides(answer)
	if !hide && answer.Rcode == dns.RcodeSuccess && len(answer.Answer) == 0 {
		// "No data of this type" also says that the name exists: decide by what its A record would be.
		probe := query.Copy()
		probe.Question[0].Qtype = dns.TypeA
		if addresses, _, err := h.ask(ctx, writer, probe); err == nil && addresses != nil {
			hide = h.hides(addresses)
		}
	}
	if hide {
		answer = h.nothing(writer, query)
	}
	if err := writer.WriteMsg(answer); err != nil {
		return dns.RcodeServerFailure, err
	}
	return dns.RcodeSuccess, nil
}

// ask runs the rest of the chain and keeps its answer; nil if it wrote none (the code then says why).
func (h *HeadlessOnly) ask(ctx context.Context, writer dns.ResponseWriter, query *dns.Msg) (*dns.Msg, int, error) {
	kept := nonwriter.New(writer)
	code, err := plugin.NextOrFailure(name, h.Next, ctx, kept, query)
	return kept.Msg, code, err
}

func (h *HeadlessOnly) hides(answer *dns.Msg) bool {
	for _, section := range [][]dns.RR{answer.Answer, answer.Extra} {
		for _, record := range section {
			if a, ok := record.(*dns.A); ok && h.contains(a.A) {
				return true
			}
			if aaaa, ok := record.(*dns.AAAA); ok && h.contains(aaaa.AAAA) {
				return true
			}
		}
	}
	return false
}

func (h *HeadlessOnly) contains(address []byte) bool {
	parsed, ok := netip.AddrFromSlice(address)
	if !ok {
		return false
	}
	for _, prefix := range h.Hidden {
		if prefix.Contains(parsed.Unmap()) {
			return true
		}
	}
	return false
}

// nothing is NXDOMAIN with the SOA record that lets resolvers remember it for negativeTTL only.
func (h *HeadlessOnly) nothing(writer dns.ResponseWriter, query *dns.Msg) *dns.Msg {
	state := request.Request{W: writer, Req: query}
	answer := new(dns.Msg)
	answer.SetRcode(query, dns.RcodeNameError)
	answer.Authoritative = true
	answer.Ns = []dns.RR{&dns.SOA{
		Hdr:     dns.RR_Header{Name: h.Zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: negativeTTL},
		Ns:      "ns.dns." + h.Zone,
		Mbox:    "hostmaster." + h.Zone,
		Serial:  1,
		Refresh: 7200, Retry: 1800, Expire: 86400,
		Minttl: negativeTTL,
	}}
	state.SizeAndDo(answer)
	return answer
}
