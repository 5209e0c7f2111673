package web

import (
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

// A catalogue holds one language's words. Every field is filled in every language (a test holds
// them to it).
type catalogue struct {
	Lang string

	Meeting                            string // where the event has no title for strangers
	When, OpensAt, Left, YourTime      string // labels
	Days                               string // abbreviated, after a number
	OpenNow                            string // the link to the room's own page
	Waiting, WaitingText, WaitingLater string // Later: where no time is known
	Making, MakingText                 string
	Refused, RefusedText               string // before what the organiser was told
	Over, OverText                     string
	Cancelled, CancelledText           string
	Removed, RemovedText               string
	Replaced, ReplacedText             string
	Missing, MissingText               string
	Trouble, TroubleText               string
}

// catalogues are in the order of matcher's languages; the first is for everybody else.
var catalogues = []*catalogue{
	{
		Lang: "en",

		Meeting:  "Meeting",
		When:     "When",
		OpensAt:  "You can join from",
		Left:     "Time left",
		YourTime: "Your time",
		Days:     "d",
		OpenNow:  "Open the conference’s page now",

		Waiting:       "It is too early to join",
		WaitingText:   "Leave this page open: it lets you in by itself.",
		WaitingLater:  "The time of the next meeting is in the event in your calendar.",
		Making:        "The conference is being prepared",
		MakingText:    "This takes a few moments. The page then lets you in by itself.",
		Refused:       "There is no conference yet",
		RefusedText:   "It could not be reserved. The organiser knows, and was told why:",
		Over:          "The meeting is over",
		OverText:      "No further one is planned. If that changes, this link leads to it again.",
		Cancelled:     "The meeting is cancelled",
		CancelledText: "The organiser has cancelled or deleted the event. If you did not expect that, ask the organiser.",
		Removed:       "The conference was removed",
		RemovedText:   "The organiser has removed the conference from the event. Look at the event in your calendar, or ask the organiser.",
		Replaced:      "This link is no longer in use",
		ReplacedText:  "The organiser replaced it. The new one is in the event in your calendar.",
		Missing:       "There is nothing here",
		MissingText:   "The link is wrong, incomplete or no longer in use. If it came with an invitation, look at the event in your calendar or ask its organiser.",
		Trouble:       "This does not work at the moment",
		TroubleText:   "The page tries again by itself in a short while.",
	},
	{
		Lang: "ru",

		Meeting:  "Встреча",
		When:     "Когда",
		OpensAt:  "Подключиться можно с",
		Left:     "Осталось",
		YourTime: "По вашему времени",
		Days:     "д.",
		OpenNow:  "Открыть страницу конференции уже сейчас",

		Waiting:       "Подключаться пока рано",
		WaitingText:   "Оставьте эту страницу открытой: она подключит вас сама.",
		WaitingLater:  "Время следующей встречи указано в событии в вашем календаре.",
		Making:        "Конференция готовится",
		MakingText:    "Это займёт несколько секунд, затем страница подключит вас сама.",
		Refused:       "Конференции пока нет",
		RefusedText:   "Её не удалось забронировать. Организатор об этом знает, ему сообщили причину:",
		Over:          "Встреча завершена",
		OverText:      "Следующая не запланирована. Если она появится, эта ссылка снова будет действовать.",
		Cancelled:     "Встреча отменена",
		CancelledText: "Организатор отменил или удалил событие. Если это для вас неожиданно, обратитесь к организатору.",
		Removed:       "Конференция убрана",
		RemovedText:   "Организатор убрал конференцию из события. Посмотрите событие в календаре или обратитесь к организатору.",
		Replaced:      "Эта ссылка больше не действует",
		ReplacedText:  "Организатор заменил её. Новая ссылка — в событии в вашем календаре.",
		Missing:       "Здесь ничего нет",
		MissingText:   "Ссылка неверна, неполна или больше не действует. Если она пришла с приглашением, посмотрите событие в календаре или обратитесь к организатору.",
		Trouble:       "Сейчас страница недоступна",
		TroubleText:   "Страница скоро попробует ещё раз сама.",
	},
	{
		Lang: "uk",

		Meeting:  "Зустріч",
		When:     "Коли",
		OpensAt:  "Приєднатися можна з",
		Left:     "Залишилося",
		YourTime: "За вашим часом",
		Days:     "д.",
		OpenNow:  "Відкрити сторінку конференції вже зараз",

		Waiting:       "Приєднуватися ще зарано",
		WaitingText:   "Залиште цю сторінку відкритою: вона під’єднає вас сама.",
		WaitingLater:  "Час наступної зустрічі вказано в події у вашому календарі.",
		Making:        "Конференція готується",
		MakingText:    "Це займе кілька секунд, потім сторінка під’єднає вас сама.",
		Refused:       "Конференції поки немає",
		RefusedText:   "Її не вдалося забронювати. Організатор про це знає, йому повідомили причину:",
		Over:          "Зустріч завершено",
		OverText:      "Наступну не заплановано. Якщо вона з’явиться, це посилання знову діятиме.",
		Cancelled:     "Зустріч скасовано",
		CancelledText: "Організатор скасував або видалив подію. Якщо це для вас несподівано, зверніться до організатора.",
		Removed:       "Конференцію прибрано",
		RemovedText:   "Організатор прибрав конференцію з події. Подивіться подію в календарі або зверніться до організатора.",
		Replaced:      "Це посилання більше не діє",
		ReplacedText:  "Організатор замінив його. Нове посилання — у події у вашому календарі.",
		Missing:       "Тут нічого немає",
		MissingText:   "Посилання неправильне, неповне або більше не діє. Якщо воно надійшло із запрошенням, подивіться подію в календарі або зверніться до організатора.",
		Trouble:       "Зараз це не працює",
		TroubleText:   "Сторінка невдовзі спробує ще раз сама.",
	},
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Russian, language.Ukrainian})

// maxLanguages is how many entries of Accept-Language are looked at.
const maxLanguages = 32

// wordsFor is the catalogue of the reader's language (Accept-Language, RFC 9110 §12.5.4; related
// languages by CLDR), or where none of ours serves the reader, of locale; at last English.
func wordsFor(r *http.Request, locale string) *catalogue {
	var usable []string
	for i, entry := range strings.Split(strings.Join(r.Header.Values("Accept-Language"), ","), ",") {
		if i == maxLanguages {
			break
		}
		// One malformed entry would make the whole list an error.
		if tags, _, err := language.ParseAcceptLanguage(entry); err == nil && len(tags) > 0 {
			usable = append(usable, entry)
		}
	}
	wanted, _, _ := language.ParseAcceptLanguage(strings.Join(usable, ","))
	for _, tags := range [][]language.Tag{wanted, {language.Make(locale)}} {
		if c := catalogueOf(tags...); c != nil {
			return c
		}
	}
	return catalogues[0]
}

// catalogueOf is the catalogue that serves who reads the languages of tags; nil if none does.
func catalogueOf(tags ...language.Tag) *catalogue {
	if _, i, confidence := matcher.Match(tags...); confidence != language.No {
		return catalogues[i]
	}
	return nil
}
