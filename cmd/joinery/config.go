package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// A duration is a time span in the configuration: "30s", "10m".
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time span; write it like 30s, 10m or 2h", text)
	}
	if v < 0 {
		return fmt.Errorf("%q is negative", text)
	}
	*d = duration(v)
	return nil
}

func (d duration) d() time.Duration { return time.Duration(d) }

// A secret prints as ***.
type secret string

func (s secret) String() string   { return "***" }
func (s secret) GoString() string { return "***" }

// A config is the configuration file. exampleConfig documents every key.
type config struct {
	Listen        string   `toml:"listen"`
	PublicURL     string   `toml:"public_url"`
	ServiceDomain string   `toml:"service_domain"`
	ServiceName   string   `toml:"service_name"`
	Settle        duration `toml:"settle"`
	Reconcile     duration `toml:"reconcile_every"`
	Log           string   `toml:"log"`
	LogFormat     string   `toml:"log_format"`
	Metrics       string   `toml:"metrics"`

	TLS        tlsConfig        `toml:"tls"`
	Store      storeConfig      `toml:"store"`
	CalDAV     caldavConfig     `toml:"caldav"`
	Mail       mailConfig       `toml:"mail"`
	Policy     policyConfig     `toml:"policy"`
	Conference conferenceConfig `toml:"conference"`
	Providers  []providerConfig `toml:"provider"`

	path string // of the file, for messages
}

type tlsConfig struct {
	Cert string `toml:"cert"`
	Key  string `toml:"key"`
}

type storeConfig struct {
	URL string `toml:"url"`
}

type caldavConfig struct {
	WaitForLink   duration `toml:"wait_for_link"`
	StrictIfMatch bool     `toml:"strict_if_match"`
	MaxSize       int      `toml:"max_size"`
	MaxAttendees  int      `toml:"max_attendees"`
	ImportBurst   int      `toml:"import_burst"`
	PerSecond     float64  `toml:"requests_per_second"`
	TrustProxy    bool     `toml:"trust_proxy"`

	AttachmentSize  int `toml:"max_attachment_size"`
	AttachmentCount int `toml:"max_attachments"`
	AttachmentQuota int `toml:"attachment_quota"`
}

type mailConfig struct {
	Relay        string   `toml:"relay"`
	Password     secret   `toml:"password"`
	PasswordFile string   `toml:"password_file"`
	CAFile       string   `toml:"ca_file"`
	Domains      []string `toml:"domains"`
	Address      string   `toml:"address"`
	WaitForLink  duration `toml:"wait_for_link"`
	Settle       duration `toml:"settle"`
	Local        bool     `toml:"local"`

	Incoming incomingConfig `toml:"incoming"`
}

type incomingConfig struct {
	LMTP         string   `toml:"lmtp"`
	IMAP         string   `toml:"imap"`
	Password     secret   `toml:"password"`
	PasswordFile string   `toml:"password_file"`
	Interval     duration `toml:"interval"`
	Trust        []string `toml:"trust"`
	Signers      []string `toml:"signers"`
	Unverified   bool     `toml:"unverified"`
}

type policyConfig struct {
	Who        []string `toml:"who"`
	PerDay     int      `toml:"per_day"`
	SendAgenda bool     `toml:"send_description"`
}

type conferenceConfig struct {
	Links              string   `toml:"links"`
	SeriesLinks        string   `toml:"series_links"`
	Opens              duration `toml:"opens"`
	Register           bool     `toml:"register"`
	UnregisterDeclined bool     `toml:"unregister_declined"`
}

type providerConfig struct {
	Name        string            `toml:"name"`
	Kind        string            `toml:"kind"`
	BaseURL     string            `toml:"base_url"`
	Token       secret            `toml:"token"`
	TokenFile   string            `toml:"token_file"`
	Words       map[string]string `toml:"words"`
	Resource    string            `toml:"resource"`
	Default     bool              `toml:"default"`
	DefaultKind string            `toml:"default_kind"`
	PerSecond   float64           `toml:"calls_per_second"`
	MaxDuration duration          `toml:"max_duration"`
	LateAnswer  duration          `toml:"late_answer"`
	DeniedRetry duration          `toml:"denied_retry"`
	Pool        string            `toml:"pool"`
	OneAtATime  bool              `toml:"one_at_a_time"`
	HookSecret  secret            `toml:"webhook_secret"`
}

// defaultConfig is what holds where the file says nothing.
func defaultConfig() config {
	return config{
		Listen: "127.0.0.1:8080", ServiceName: "Joinery", Settle: duration(30 * time.Second), Reconcile: duration(time.Hour), Log: "info", LogFormat: "text",
		Store: storeConfig{URL: "sqlite:joinery.db"},
		CalDAV: caldavConfig{WaitForLink: duration(3 * time.Second), MaxSize: 1 << 20, MaxAttendees: 1000, ImportBurst: 30, PerSecond: 100,
			AttachmentSize: 25 << 20, AttachmentCount: 20, AttachmentQuota: 1 << 30},
		Conference: conferenceConfig{Links: "provider", SeriesLinks: "join", Opens: duration(30 * time.Minute), Register: true},
		Mail: mailConfig{WaitForLink: duration(10 * time.Minute), Settle: duration(20 * time.Second), Local: true,
			Incoming: incomingConfig{Interval: duration(time.Minute)}},
	}
}

// loadConfig reads the file at path, then the environment (see config.environment), and checks all of it. Its
// errors are one line that names the key, the problem and the remedy.
func loadConfig(path string, environ []string) (*config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w; name the file with --config, `joinery config` prints an example", err)
	}
	return parseConfig(path, data, environ)
}

func parseConfig(path string, data []byte, environ []string) (*config, error) {
	c := defaultConfig()
	c.path = path
	dec := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return nil, configError(path, err)
	}
	if err := checkSpans(path, data); err != nil {
		return nil, err
	}
	if err := c.environment(environ); err != nil {
		return nil, err
	}
	c.resolve()
	if err := c.secrets(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return &c, nil
}
