package mtslink

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"joinery/conference"
)

// Check implements conference.Checker: the connection and the key by the list of time zones, the
// right to see the organisation by its members. A key can be limited to some sections, so the
// right to make events is only proved by making one, which is not done here.
func (p *Provider) Check(ctx context.Context) []conference.Finding {
	zones := conference.Finding{Name: p.name + ": connection and key"}
	if list, err := p.getZones(ctx); err != nil {
		zones.Detail, zones.Remedy = err.Error(), p.remedy(err)
		if isKind(err, conference.Temporary, conference.Limited) {
			return []conference.Finding{zones}
		}
	} else {
		zones.OK, zones.Detail = true, fmt.Sprintf("%s, %d time zones", p.base.Host, len(list))
	}

	members := conference.Finding{Name: p.name + ": members of the organisation"}
	var out []struct {
		ID id `json:"id"`
	}
	query := url.Values{"perPage": {"10"}}
	if err := p.do(ctx, call{method: http.MethodGet, path: "/organization/members", query: query, limit: listLimit, out: &out}); err != nil {
		members.Detail, members.Remedy = err.Error(), p.remedy(err)
	} else {
		members.OK, members.Detail = true, "readable: organisers who are members own their conferences"
	}

	links := conference.Finding{
		Name: p.name + ": links", OK: true,
		Detail: "rooms are open without registration: whoever has a link may join",
	}
	return []conference.Finding{zones, members, links}
}

// remedy is the sentence that mends err.
func (p *Provider) remedy(err error) string {
	switch conference.KindOf(err) {
	case conference.Denied:
		if conference.ReasonOf(err) == conference.ReasonCredentials {
			// The two look alike (reference §9).
			return "Check in the personal account, Business → API/Webhooks → API, that the key in token is the present one, is switched on and has this section, and that the plan (PRO, Enterprise, Total) still includes the API."
		}
		return "Set base_url to the address of the API with its version, such as https://userapi.mts-link.ru/v3."
	case conference.Limited:
		return "Wait, and lower the rate of calls if this comes again."
	case conference.Temporary:
		return fmt.Sprintf("Check that this machine reaches %s (name, network, proxy, certificate) and that base_url is right.", p.base.Host)
	}
	return "Check base_url, and that the service speaks UserAPI v3."
}
