package change

import (
	"strings"

	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/store"
)

// languages holds a text in English, Russian and Ukrainian.
type languages struct{ en, ru, uk string }

func (l languages) in(locale string) string {
	switch strings.ToLower(strings.SplitN(locale, "-", 2)[0]) {
	case "ru":
		return l.ru
	case "uk":
		return l.uk
	}
	return l.en
}

var (
	textMeeting = languages{"Meeting", "Встреча", "Зустріч"}
	textPrivate = languages{"Private event", "Личное событие", "Приватна подія"}
	textRefused = languages{
		"The conference could not be reserved: ",
		"Не удалось забронировать конференцию: ",
		"Не вдалося забронювати конференцію: ",
	}
	textReasons = map[string]languages{
		string(conference.ReasonCredentials): {
			"the service does not accept this organisation's key. Your administrator has to look at it; it is then reserved by itself.",
			"сервис не принимает ключ организации. Это должен исправить администратор; после этого она забронируется сама.",
			"сервіс не приймає ключ організації. Це має виправити адміністратор; після цього її буде заброньовано автоматично.",
		},
		string(conference.ReasonOwner): {
			"your account at the service is not confirmed. Confirm your address there; it is then reserved by itself.",
			"ваша учётная запись в сервисе не подтверждена. Подтвердите адрес; после этого она забронируется сама.",
			"ваш обліковий запис у сервісі не підтверджено. Підтвердьте адресу; після цього її буде заброньовано автоматично.",
		},
		string(conference.ReasonTitle): {
			"the service refuses the title. Change it and save the event.",
			"сервис не принимает название. Измените его и сохраните событие.",
			"сервіс не приймає назву. Змініть її та збережіть подію.",
		},
		string(conference.ReasonTime): {
			"the service refuses the time. Choose another one and save the event.",
			"сервис не принимает время. Выберите другое и сохраните событие.",
			"сервіс не приймає час. Оберіть інший і збережіть подію.",
		},
		string(conference.ReasonPolicy): {
			"your organisation's rules do not provide for it. Ask your administrator.",
			"это не предусмотрено правилами организации. Обратитесь к администратору.",
			"це не передбачено правилами організації. Зверніться до адміністратора.",
		},
		string(conference.ReasonDaily): {
			"your number of conferences for today is used up. It is reserved by itself tomorrow.",
			"ваш лимит конференций на сегодня исчерпан. Она забронируется сама завтра.",
			"ваш ліміт конференцій на сьогодні вичерпано. Її буде заброньовано автоматично завтра.",
		},
		string(conference.ReasonBusy): {
			"every licence of your organisation is taken at that time. Choose another time; when one becomes free it is reserved by itself.",
			"все лицензии организации в это время заняты. Выберите другое время; когда одна освободится, конференция забронируется сама.",
			"усі ліцензії організації в цей час зайняті. Оберіть інший час; коли одна звільниться, її буде заброньовано автоматично.",
		},
		string(conference.ReasonSeries): {
			"it cannot be known from the event's repetition when the next meeting is. Change the repetition and save the event.",
			"по правилу повторения нельзя определить, когда следующая встреча. Измените повторение и сохраните событие.",
			"за правилом повторення не можна визначити, коли наступна зустріч. Змініть повторення та збережіть подію.",
		},
		string(conference.ReasonFields): {
			"the service wants fields filled in that a calendar does not have. Your administrator can switch them off there; people are then registered by themselves.",
			"сервис требует заполнить поля, которых нет в календаре. Администратор может отключить их там; после этого участники зарегистрируются сами.",
			"сервіс вимагає заповнити поля, яких немає в календарі. Адміністратор може вимкнути їх там; після цього учасників буде зареєстровано автоматично.",
		},
		string(conference.ReasonAddress): {
			"the service does not take the address of some of them. Check the addresses in the event.",
			"сервис не принимает адреса некоторых участников. Проверьте адреса в событии.",
			"сервіс не приймає адреси деяких учасників. Перевірте адреси в події.",
		},
	}
	textOther = languages{
		"the service refuses. Your administrator can see why; it is reserved by itself once the cause is gone.",
		"сервис отказал. Причину видит администратор; когда она устранится, конференция забронируется сама.",
		"сервіс відмовив. Причину бачить адміністратор; коли її буде усунуто, конференцію буде заброньовано автоматично.",
	}
	textTaken    = languages{"taken on ", "занято: ", "зайнято: "}
	textDialIn   = languages{"By phone: ", "По телефону: ", "Телефоном: "}
	textPasscode = languages{"Passcode: ", "Код доступа: ", "Код доступу: "}
)

// ReasonText tells people why there is no conference, and the way out.
func ReasonText(reason, locale string) string {
	if t, ok := textReasons[reason]; ok {
		return t.in(locale)
	}
	return textOther.in(locale)
}

// note is the block that stands in an event whose conference is refused.
func note(p *Policy, b *store.Booking, locale string) string {
	prov, _ := p.provider(b.Provider)
	return ical.Block(prov.Service, textRefused.in(locale)+ReasonText(b.Problem, locale))
}

// strayNote is the note of a refusal that stands in v, which has no booking: it was copied from an
// event that had one. It is empty if there is none.
func (p *Policy) strayNote(v *ical.VEvent) string {
	l := v.Component.First(ical.PropState)
	if l == nil || l.Text() != "failed" {
		return ""
	}
	words := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	description := words(v.Description)
	for _, prov := range p.Providers {
		for _, locale := range []string{"en", "ru", "uk"} {
			text := note(p, &store.Booking{Provider: prov.Name, Problem: l.Param("X-REASON")}, locale)
			if strings.Contains(description, words(text)) {
				return text
			}
		}
	}
	return ""
}

// linkBlock is the block that stands in an event with its conference.
func linkBlock(p *Policy, r *store.Room, locale string) string {
	prov, _ := p.provider(r.Provider)
	lines := []string{prov.Service, r.JoinURL}
	if r.DialIn != "" {
		lines = append(lines, textDialIn.in(locale)+r.DialIn)
	}
	if r.Passcode != "" {
		lines = append(lines, textPasscode.in(locale)+r.Passcode)
	}
	return ical.Block(lines...)
}
