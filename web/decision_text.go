package web

// decisionWords are one language's words of the page on which an organiser decides about proposals, see catalogue.
type decisionWords struct {
	Headline                                  string
	Proposes, Instead                         string // Proposes: after a name
	Take, Keep                                string // buttons
	Calendar                                  string // in place of Take
	Taken, Kept, Stale, None, Cancelled, Over string
}

var decisionTexts = map[string]*decisionWords{
	"en": {
		Headline:  "Proposed times",
		Proposes:  "proposes",
		Instead:   "Time now",
		Take:      "Move the meeting to this time",
		Calendar:  "To take it up, change the series in your calendar.",
		Keep:      "Keep the time",
		Taken:     "The meeting was moved. Everybody invited is told.",
		Kept:      "The time stays. Whoever proposed another is told.",
		Stale:     "Nothing was changed: the event or the proposal is another by now. Look at what it says, and decide again.",
		None:      "There is nothing to decide at the moment.",
		Cancelled: "This meeting was cancelled.",
		Over:      "This meeting is over.",
	},
	"ru": {
		Headline:  "Предложенное время",
		Proposes:  "предлагает",
		Instead:   "Сейчас назначено",
		Take:      "Перенести встречу на это время",
		Calendar:  "Чтобы принять это предложение, измените серию в своём календаре.",
		Keep:      "Оставить время как есть",
		Taken:     "Встреча перенесена. Все приглашённые получат сообщение.",
		Kept:      "Время не меняется. Автор предложения получит сообщение.",
		Stale:     "Ничего не изменено: событие или предложение уже другое. Посмотрите, что теперь, и решите ещё раз.",
		None:      "Сейчас решать нечего.",
		Cancelled: "Эта встреча отменена.",
		Over:      "Эта встреча уже прошла.",
	},
	"uk": {
		Headline:  "Запропонований час",
		Proposes:  "пропонує",
		Instead:   "Зараз призначено",
		Take:      "Перенести зустріч на цей час",
		Calendar:  "Щоб прийняти цю пропозицію, змініть серію у своєму календарі.",
		Keep:      "Залишити час як є",
		Taken:     "Зустріч перенесено. Усі запрошені отримають повідомлення.",
		Kept:      "Час не змінюється. Автор пропозиції отримає повідомлення.",
		Stale:     "Нічого не змінено: подія або пропозиція вже інша. Подивіться, що тепер, і вирішіть ще раз.",
		None:      "Зараз вирішувати нічого.",
		Cancelled: "Цю зустріч скасовано.",
		Over:      "Ця зустріч уже відбулася.",
	},
}
