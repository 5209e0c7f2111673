package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// configKeys are all keys by section: "" for the top, "provider" for the list.
func configKeys(v reflect.Type, section string) map[string][]string {
	keys := map[string][]string{}
	for i := range v.NumField() {
		f := v.Field(i)
		tag := f.Tag.Get("toml")
		switch {
		case tag == "":
		case f.Type.Kind() == reflect.Struct:
			if section != "" {
				tag = section + "." + tag
			}
			for s, k := range configKeys(f.Type, tag) {
				keys[s] = append(keys[s], k...)
			}
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			for s, k := range configKeys(f.Type.Elem(), tag) {
				keys[s] = append(keys[s], k...)
			}
		default:
			keys[section] = append(keys[section], tag)
		}
	}
	return keys
}

// TestConfigPrintsAllKeys holds the printed keys to the configuration's, and their values to its defaults.
func TestConfigPrintsAllKeys(t *testing.T) {
	var plain []string
	for _, l := range strings.Split(furtherConfig, "\n") {
		if !strings.HasPrefix(l, "## ") {
			plain = append(plain, strings.TrimPrefix(l, "# "))
		}
	}
	section, documented := "", map[string][]string{}
	for _, l := range plain {
		if m := regexp.MustCompile(`^\[+([\w.]+)\]+$`).FindStringSubmatch(l); m != nil {
			section = m[1]
		} else if key, _, ok := strings.Cut(l, " = "); ok {
			documented[section] = append(documented[section], key)
		}
	}
	if want := configKeys(reflect.TypeFor[config](), ""); !reflect.DeepEqual(documented, want) {
		t.Errorf("documented are %v, keys are %v (in this order)", documented, want)
	}

	var c config
	if err := strictToml(strings.Join(plain, "\n"), &c); err != nil {
		t.Fatalf("the documented defaults do not parse: %v", err)
	}
	want := defaultConfig()
	want.Providers = []providerConfig{{Words: map[string]string{}}}
	want.Mail.Domains, want.Policy.Who, want.Mail.Incoming.Trust, want.Mail.Incoming.Signers = []string{}, []string{}, []string{}, []string{}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the documented defaults are\n%+v\nthe defaults are\n%+v", c, want)
	}
}

func TestConfigExampleIsTheBeginning(t *testing.T) {
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	out := c.works("", "config")
	if !strings.HasPrefix(out, exampleConfig) {
		t.Error("joinery config does not begin with the example")
	}
	c.write(out)
	c.fails("", []string{"user", "list"}, "provider mtslink: token", "JOINERY_PROVIDER_")
	c.environ = append(c.environ, "JOINERY_PROVIDER_MTSLINK_TOKEN=x")
	c.works("", "user", "list")
}

func TestConfigErrors(t *testing.T) {
	const mail = "[mail]\nrelay = \"smtp://127.0.0.1:1\"\ndomains = [\"example.org\"]\n"
	const provider = "[[provider]]\nname = \"a\"\nkind = \"mtslink\"\ntoken = \"t0p-s3cret\"\n"
	for name, test := range map[string]struct {
		config  string
		environ string
		parts   []string // of the line: the key, the problem, the remedy
	}{
		"unknown key":         {"lissen = \"x\"\n" + mail, "", []string{"joinery.toml:1", "lissen", "unknown", "joinery config"}},
		"unknown nested key":  {mail + "relai = \"x\"\n", "", []string{"joinery.toml:4", "mail.relai", "unknown", "joinery config"}},
		"not TOML":            {"listen = \n", "", []string{"joinery.toml:1"}},
		"wrong type":          {"listen = 8080\n" + mail, "", []string{"joinery.toml:1: listen", "TOML integer", "text in quotes"}},
		"wrong type of words": {mail + provider + "words = \"W\"\n", "", []string{"joinery.toml:8: provider.words", "TOML string", "a table"}},
		"span without unit":   {"settle = 30\n" + mail, "", []string{"settle", "30 is not a time span", `"30s"`}},
		"span in a provider":  {mail + provider + "max_duration = 30\n", "", []string{"provider.max_duration", "30 is not a time span"}},
		"no port":             {"listen = \"localhost\"\n" + mail, "", []string{"listen", `"localhost"`, "HOST:PORT"}},
		"public_url's path":   {"public_url = \"https://example.org/dav\"\n" + mail, "", []string{"public_url", "https://HOST"}},
		"time span":           {"settle = \"30\"\n" + mail, "", []string{"joinery.toml:1", "settle", `"30"`, "30s"}},
		"negative span":       {"settle = \"-3s\"\n" + mail, "", []string{"settle", "negative"}},
		"hasty comparing":     {"reconcile_every = \"1s\"\n" + mail, "", []string{"reconcile_every", "between a minute and a day", "1h"}},
		"endless settling":    {"settle = \"2h\"\n" + mail, "", []string{"settle", "longer than an hour"}},
		"service_domain":      {"service_domain = \"a b\"\n" + mail, "", []string{"service_domain", `"a b"`, "conference.example.org"}},
		"log":                 {"log = \"loud\"\n" + mail, "", []string{"log", `"loud"`, "debug, info, warn or error"}},
		"log_format":          {"log_format = \"xml\"\n" + mail, "", []string{"log_format", `"xml"`, "text or json"}},
		"half of TLS":         {mail + "[tls]\ncert = \"c.pem\"\n", "", []string{"tls", "cert and key"}},
		"store":               {mail + "[store]\nurl = \"mysql://x\"\n", "", []string{"store.url", "sqlite:PATH"}},
		"max_size":            {mail + "[caldav]\nmax_size = 10\n", "", []string{"caldav.max_size", "1024"}},
		"no relay":            {"", "", []string{"mail.relay", "missing", "smtp://"}},
		"relay's scheme":      {"[mail]\nrelay = \"http://x:25\"\n", "", []string{"mail.relay", `"http"`, "smtps://"}},
		"password in relay":   {"[mail]\nrelay = \"smtps://u:p4ss@x:465\"\n", "", []string{"mail.relay", "JOINERY_MAIL_PASSWORD"}},
		"no password":         {"[mail]\nrelay = \"smtps://u@x:465\"\n", "", []string{"mail.password", "missing"}},
		"password twice":      {mail + "password = \"a\"\npassword_file = \"b\"\n", "", []string{"mail.password", "twice"}},
		"no password file":    {mail + "password_file = \"none\"\n", "", []string{"mail.password_file", "none", "correct the path"}},
		"no address":          {"[mail]\nrelay = \"smtp://x:25\"\n", "", []string{"mail.address", "mail.domains"}},
		"LMTP for others":     {mail + "[mail.incoming]\nlmtp = \"0.0.0.0:24\"\n", "", []string{"mail.incoming.lmtp", `"0.0.0.0:24"`, "no authentication", "127.0.0.1:2424"}},
		"LMTP's path":         {mail + "[mail.incoming]\nlmtp = \"/run/lmtp.sock\"\n", "", []string{"mail.incoming.lmtp", "unix:"}},
		"mailbox's scheme":    {mail + "[mail.incoming]\nimap = \"pop3://x\"\n", "", []string{"mail.incoming.imap", "imaps://"}},
		"password in mailbox": {mail + "[mail.incoming]\nimap = \"imaps://u:p4ss@x/INBOX\"\n", "", []string{"mail.incoming.imap", "password"}},
		"no mailbox password": {mail + "[mail.incoming]\nimap = \"imaps://u@x/INBOX\"\n", "", []string{"mail.incoming.password", "missing", "JOINERY_MAIL_INCOMING_PASSWORD"}},
		"no mailbox file":     {mail + "[mail.incoming]\npassword_file = \"none\"\n", "", []string{"mail.incoming.password_file", "none"}},
		"hasty looking":       {mail + "[mail.incoming]\ninterval = \"1s\"\n", "", []string{"mail.incoming.interval", "between 5 seconds and an hour"}},
		"trusted server":      {mail + "[mail.incoming]\ntrust = [\"mx example\"]\n", "", []string{"mail.incoming.trust", `"mx example"`, "Authentication-Results"}},
		"signer":              {mail + "[mail.incoming]\nsigners = [\"@google.com\"]\n", "", []string{"mail.incoming.signers", `"@google.com"`, "google.com say"}},
		"key of incoming":     {mail + "[mail.incoming]\nlmpt = \"x\"\n", "", []string{"mail.incoming.lmpt", "unknown"}},
		"mail domain":         {"[mail]\nrelay = \"smtp://x:25\"\ndomains = [\"@x\"]\n", "", []string{"mail.domains", `"@x"`}},
		"ca_file":             {mail + "ca_file = \"none.pem\"\n", "", []string{"mail.ca_file", "none.pem"}},
		"provider's kind":     {mail + strings.Replace(provider, `"mtslink"`, `"zoom"`, 1), "", []string{"provider a: kind", `"zoom"`, "mtslink"}},
		"provider's name":     {mail + strings.Replace(provider, `name = "a"`, "", 1), "", []string{"provider 1: name", "missing"}},
		"provider twice":      {mail + provider + provider, "", []string{"provider a: name", "twice"}},
		"provider's base_url": {mail + provider + "base_url = \"ftp://x\"\n", "", []string{"provider a: base_url", "ftp://x", "http"}},
		"no token":            {mail + strings.Replace(provider, `token = "t0p-s3cret"`, "", 1), "", []string{"provider a: token", "missing"}},
		"word's kind":         {mail + provider + "words = { \"W\" = \"party\" }\n", "", []string{"provider a: words", `"party"`, "meeting or webinar"}},
		"word with comma":     {mail + provider + "words = { \"a,b\" = \"meeting\" }\n", "", []string{"provider a: words", `"a,b"`}},
		"word twice":          {mail + provider + "words = { \"W\" = \"meeting\", \"w\" = \"meeting\" }\n", "", []string{"provider a: words", "already"}},
		"resource's domain":   {mail + provider + "resource = \"webinar\"\n", "", []string{"service_domain", "missing"}},
		"environment's span":  {mail, "JOINERY_SETTLE=soon", []string{"JOINERY_SETTLE", `"soon"`}},
		"environment's bool":  {mail, "JOINERY_CALDAV_STRICT_IF_MATCH=maybe", []string{"JOINERY_CALDAV_STRICT_IF_MATCH", "true nor false"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
			c.write(test.config)
			if test.environ != "" {
				c.environ = append(c.environ, test.environ)
			}
			c.fails("", []string{"serve"}, test.parts...)
			_, _, errText := c.do("", "serve")
			for _, secret := range []string{"t0p-s3cret", "p4ss"} {
				if strings.Contains(errText, secret) {
					t.Errorf("%q holds a secret", errText)
				}
			}
			if _, err := os.Stat(filepath.Join(c.dir, "joinery.db")); !os.IsNotExist(err) {
				t.Errorf("a store was made: %v", err)
			}
		})
	}
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	c.config = filepath.Join(c.dir, "none.toml")
	c.fails("", []string{"serve"}, "none.toml", "--config", "joinery config")
}

func TestConfigEnvironment(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("from the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := parseConfig(filepath.Join(dir, "joinery.toml"), []byte(`
[mail]
relay = "smtps://robot@mail.example.org:465"
[[provider]]
name = "mts-link"
kind = "mtslink"
token_file = "key"
`), []string{"JOINERY_LISTEN=0.0.0.0:80", "JOINERY_MAIL_PASSWORD=p", "JOINERY_MAIL_DOMAINS=example.org, example.com", "JOINERY_SETTLE=1m",
		"JOINERY_PROVIDER_MTS_LINK_DEFAULT=true", "JOINERY_POLICY_PER_DAY=7",
		"JOINERY_MAIL_INCOMING_IMAP=imaps://answers@mail.example.org/INBOX", "JOINERY_MAIL_INCOMING_PASSWORD=q", "JOINERY_MAIL_LOCAL=false",
		"JOINERY_MAIL_INCOMING_LMTP=unix:lmtp.sock"})
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{
		"listen":     {c.Listen, "0.0.0.0:80"},
		"public_url": {c.PublicURL, "http://0.0.0.0:80"},
		"password":   {string(c.Mail.Password), "p"},
		"mailbox":    {string(c.Mail.Incoming.Password), "q"},
		"lmtp":       {c.Mail.Incoming.LMTP, "unix:" + filepath.Join(dir, "lmtp.sock")},
		"local":      {c.Mail.Local, false},
		"domains":    {strings.Join(c.Mail.Domains, "|"), "example.org|example.com"},
		"address":    {c.Mail.Address, "joinery@example.org"},
		"settle":     {c.Settle.d().String(), "1m0s"},
		"default":    {c.Providers[0].Default, true},
		"token":      {string(c.Providers[0].Token), "from the file"},
		"base_url":   {c.Providers[0].BaseURL, "https://userapi.mts-link.ru/v3"},
		"per_day":    {c.Policy.PerDay, 7},
		"store":      {c.Store.URL, "sqlite:" + filepath.Join(dir, "joinery.db")},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
}

func strictToml(text string, c *config) error {
	return toml.NewDecoder(strings.NewReader(text)).DisallowUnknownFields().Decode(c)
}
