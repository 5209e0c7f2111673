package emulator

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

type mtsZone struct {
	ID   int64
	Name string // IANA
}

// The vendor's numbers are its own; 1 is Europe/Moscow in every public sample, the others are
// invented, out of order so that nobody counts on one.
var mtsZones = []mtsZone{
	{1, "Europe/Moscow"}, {2, "Europe/Kaliningrad"}, {3, "Europe/Samara"}, {4, "Asia/Yekaterinburg"},
	{5, "Asia/Omsk"}, {6, "Asia/Krasnoyarsk"}, {7, "Asia/Irkutsk"}, {8, "Asia/Yakutsk"},
	{9, "Asia/Vladivostok"}, {10, "Asia/Magadan"}, {11, "Asia/Kamchatka"}, {14, "Europe/Volgograd"},
	{15, "Europe/Saratov"}, {16, "Europe/Astrakhan"}, {17, "Asia/Novosibirsk"}, {18, "Asia/Sakhalin"},
	{21, "Europe/London"}, {22, "Europe/Berlin"}, {23, "Europe/Paris"}, {24, "Europe/Madrid"},
	{25, "Europe/Rome"}, {26, "Europe/Warsaw"}, {27, "Europe/Kyiv"}, {28, "Europe/Minsk"},
	{29, "Europe/Helsinki"}, {30, "Europe/Athens"}, {31, "Europe/Istanbul"}, {32, "Asia/Tbilisi"},
	{33, "Asia/Yerevan"}, {34, "Asia/Baku"}, {35, "Asia/Dubai"}, {36, "Asia/Tashkent"},
	{37, "Asia/Almaty"}, {38, "Asia/Bishkek"}, {39, "Asia/Kolkata"}, {40, "Asia/Shanghai"},
	{41, "Asia/Tokyo"}, {45, "UTC"}, {46, "America/New_York"}, {47, "America/Chicago"},
	{48, "America/Los_Angeles"}, {49, "America/Sao_Paulo"}, {50, "Australia/Sydney"}, {51, "Asia/Jerusalem"},
}

func zoneByID(id int64) mtsZone {
	for _, z := range mtsZones {
		if z.ID == id {
			return z
		}
	}
	return mtsZone{}
}

// zoneByName returns the zone of an IANA name, Moscow if the vendor has no such zone.
func zoneByName(name string) mtsZone {
	for _, z := range mtsZones {
		if z.Name == name {
			return z
		}
	}
	return mtsZones[0]
}

// zoneLocations keeps what was loaded, by name: every time in an answer needs one.
var zoneLocations sync.Map

func (z mtsZone) location() *time.Location {
	if loc, ok := zoneLocations.Load(z.Name); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(z.Name)
	if err != nil {
		loc = time.UTC
	}
	zoneLocations.Store(z.Name, loc)
	return loc
}

// listZones is GET /timezones.
func (m *MTSLink) listZones(mtsCall) (mtsAnswer, error) {
	list := []map[string]any{}
	for _, z := range mtsZones {
		_, offset := m.now().In(z.location()).Zone()
		_, city, found := strings.Cut(z.Name, "/")
		if !found {
			city = z.Name
		}
		list = append(list, map[string]any{"id": z.ID, "name": z.Name,
			"description": strings.ReplaceAll(city, "_", " "), "offset": offset})
	}
	return mtsAnswer{http.StatusOK, list}, nil
}
