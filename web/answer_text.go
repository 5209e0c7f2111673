package web

import "joinery/caldav/change"

// answerWords are one language's words of the answer page, see catalogue.
type answerWords struct {
	Invites                                                      string // before the organiser's name
	NextDate, OrganizersTime, Where, Organizer, Conference       string // labels
	Series, LinkFollows, Agenda, People, More                    string // More: after a number
	Question                                                     string
	Accept, Tentative, Decline                                   string // what can be answered
	Accepted, Maybe, Declined, Waiting, Delegated, Unanswered    string // what was answered
	Yours                                                        string // before one of them
	Which, AllDates, OneDate                                     string
	Comment, CommentHint                                         string
	Propose, ProposeHint, ProposeDates, Day, From, To, Last      string // Hint: before a zone
	Send, Ready                                                  string
	Faults, NoAnswer, BadDate, LongComment, HalfTime, BadTime    string
	PastTime, WhichTime                                          string
	Applied, Proposed, Waits, Older, Stale, OffDate, PastDate    string
	Uninvited, Unknown                                           string
	Over, OverText, Removed, RemovedText, Cancelled              string
	Foreign, ForeignText, TooLarge, TooLargeText, Form, FormText string
	Trouble                                                      string
}

// said is what came of an answer, for people; empty: nothing to say.
func (w *answerWords) said(o change.Outcome) string {
	switch o {
	case change.OutcomeApplied, change.OutcomeSame:
		return w.Applied
	case change.OutcomeProposed:
		return w.Proposed
	case change.OutcomeWaiting:
		return w.Waits
	case change.OutcomeOlder:
		return w.Older
	case change.OutcomeStale:
		return w.Stale
	case change.OutcomeCancelled:
		return w.OffDate
	case change.OutcomePast:
		return w.PastDate
	case change.OutcomeUninvited:
		return w.Uninvited
	case change.OutcomeUnknown:
		return w.Unknown
	}
	return ""
}

// status is what an attendee said, for people.
func (w *answerWords) status(partStat string, waiting bool) string {
	switch {
	case waiting:
		return w.Waiting
	case partStat == "ACCEPTED":
		return w.Accepted
	case partStat == "TENTATIVE":
		return w.Maybe
	case partStat == "DECLINED":
		return w.Declined
	case partStat == "DELEGATED":
		return w.Delegated
	}
	return w.Unanswered
}

// answerTexts are the answer page's words by catalogue.Lang.
var answerTexts = map[string]*answerWords{
	"en": {
		Invites:        "Invited by",
		NextDate:       "Next date",
		OrganizersTime: "Organiser’s time",
		Where:          "Where",
		Organizer:      "Organiser",
		Conference:     "Conference",
		Series:         "This meeting takes place repeatedly.",
		LinkFollows:    "The link will follow.",
		Agenda:         "Description",
		People:         "Invited",
		More:           "more",
		Question:       "Will you attend?",
		Accept:         "I will attend",
		Tentative:      "Maybe",
		Decline:        "I cannot attend",
		Accepted:       "will attend",
		Maybe:          "maybe",
		Declined:       "will not attend",
		Waiting:        "waits for a free place",
		Delegated:      "sends somebody else",
		Unanswered:     "no answer yet",
		Yours:          "Your answer so far",
		Which:          "For which dates?",
		AllDates:       "All dates",
		OneDate:        "Only one of the next dates",
		Comment:        "Add a comment",
		CommentHint:    "For the organiser, at most 1000 characters",
		Propose:        "Propose another time",
		ProposeHint:    "Times are those of",
		ProposeDates:   "The event stays as it is until the organiser changes it.",
		Day:            "Day",
		From:           "Start",
		To:             "End",
		Last:           "Last day",
		Send:           "Send answer",
		Ready:          "Nothing has been sent yet: confirm your answer with the button.",
		Faults:         "Nothing was sent yet:",
		NoAnswer:       "Choose whether you will attend.",
		BadDate:        "Choose one of the dates.",
		LongComment:    "The comment is longer than 1000 characters.",
		HalfTime:       "A proposal needs a day, a start and an end.",
		BadTime:        "The proposed end must be after the start.",
		PastTime:       "The proposed time is over already.",
		WhichTime:      "Choose the one date that you propose another time for.",
		Applied:        "Thank you, your answer was sent to the organiser.",
		Proposed:       "Thank you, your answer and your proposal were sent to the organiser. The event stays as it is until the organiser changes it.",
		Waits:          "All places are taken. You are on the waiting list, and will be told as soon as a place becomes free.",
		Older:          "You have given a later answer already. That one stands.",
		Stale:          "Nothing was sent: the event has been changed since you opened this page. Look at what it says now, and answer again.",
		OffDate:        "Nothing was sent: this date was cancelled.",
		PastDate:       "Nothing was sent: this date is over.",
		Uninvited:      "Nothing was sent: you are not invited to this any more.",
		Unknown:        "Nothing was sent: there is no such event any more.",
		Over:           "The event is over",
		OverText:       "It can no longer be answered.",
		Removed:        "You are no longer invited",
		RemovedText:    "The organiser has taken you off the list of those invited. If you did not expect that, ask the organiser.",
		Cancelled:      "There is nothing to answer any more.",
		Foreign:        "This answer was not taken",
		ForeignText:    "It came from another site’s page. Open the link in your invitation and answer there.",
		TooLarge:       "The answer is too long",
		TooLargeText:   "Go back and shorten the comment.",
		Form:           "This answer cannot be read",
		FormText:       "Open the link in your invitation and answer there.",
		Trouble:        "It could not be sent at the moment. Press the button again in a short while.",
	},
	"ru": {
		Invites:        "Вас приглашает",
		NextDate:       "Ближайшая дата",
		OrganizersTime: "По времени организатора",
		Where:          "Где",
		Organizer:      "Организатор",
		Conference:     "Конференция",
		Series:         "Эта встреча повторяется.",
		LinkFollows:    "Ссылка появится позже.",
		Agenda:         "Описание",
		People:         "Приглашены",
		More:           "ещё",
		Question:       "Вы примете участие?",
		Accept:         "Приму участие",
		Tentative:      "Возможно",
		Decline:        "Не смогу",
		Accepted:       "примет участие",
		Maybe:          "возможно",
		Declined:       "не примет участия",
		Waiting:        "ожидает свободного места",
		Delegated:      "поручает другому",
		Unanswered:     "нет ответа",
		Yours:          "Ваш ответ сейчас",
		Which:          "На какие даты?",
		AllDates:       "На все даты",
		OneDate:        "Только на одну из ближайших дат",
		Comment:        "Добавить комментарий",
		CommentHint:    "Для организатора, не больше 1000 знаков",
		Propose:        "Предложить другое время",
		ProposeHint:    "Время указывается по часовому поясу",
		ProposeDates:   "Событие не изменится, пока его не изменит организатор.",
		Day:            "День",
		From:           "Начало",
		To:             "Конец",
		Last:           "Последний день",
		Send:           "Отправить ответ",
		Ready:          "Пока ничего не отправлено: подтвердите ответ кнопкой.",
		Faults:         "Пока ничего не отправлено:",
		NoAnswer:       "Выберите, примете ли вы участие.",
		BadDate:        "Выберите одну из дат.",
		LongComment:    "Комментарий длиннее 1000 знаков.",
		HalfTime:       "Для предложения нужны день, начало и конец.",
		BadTime:        "Предложенный конец должен быть позже начала.",
		PastTime:       "Предложенное время уже прошло.",
		WhichTime:      "Выберите одну дату, для которой вы предлагаете другое время.",
		Applied:        "Спасибо, ваш ответ передан организатору.",
		Proposed:       "Спасибо, ваш ответ и предложение переданы организатору. Событие не изменится, пока его не изменит организатор.",
		Waits:          "Все места заняты. Вы в списке ожидания; как только место освободится, мы вам сообщим.",
		Older:          "Вы уже ответили позже. Действует тот ответ.",
		Stale:          "Ничего не отправлено: событие изменилось, пока страница была открыта. Посмотрите, что в нём теперь, и ответьте ещё раз.",
		OffDate:        "Ничего не отправлено: встреча в этот день отменена.",
		PastDate:       "Ничего не отправлено: эта встреча уже прошла.",
		Uninvited:      "Ничего не отправлено: вы больше не приглашены.",
		Unknown:        "Ничего не отправлено: такого события больше нет.",
		Over:           "Событие завершено",
		OverText:       "Ответить на него уже нельзя.",
		Removed:        "Вы больше не приглашены",
		RemovedText:    "Организатор убрал вас из списка приглашённых. Если это для вас неожиданно, обратитесь к организатору.",
		Cancelled:      "Отвечать больше не нужно.",
		Foreign:        "Ответ не принят",
		ForeignText:    "Он пришёл со страницы другого сайта. Откройте ссылку из приглашения и ответьте там.",
		TooLarge:       "Ответ слишком длинный",
		TooLargeText:   "Вернитесь и сократите комментарий.",
		Form:           "Ответ не удалось прочитать",
		FormText:       "Откройте ссылку из приглашения и ответьте там.",
		Trouble:        "Сейчас отправить не удалось. Нажмите кнопку ещё раз чуть позже.",
	},
	"uk": {
		Invites:        "Вас запрошує",
		NextDate:       "Найближча дата",
		OrganizersTime: "За часом організатора",
		Where:          "Де",
		Organizer:      "Організатор",
		Conference:     "Конференція",
		Series:         "Ця зустріч повторюється.",
		LinkFollows:    "Посилання з’явиться пізніше.",
		Agenda:         "Опис",
		People:         "Запрошені",
		More:           "ще",
		Question:       "Ви візьмете участь?",
		Accept:         "Візьму участь",
		Tentative:      "Можливо",
		Decline:        "Не зможу",
		Accepted:       "візьме участь",
		Maybe:          "можливо",
		Declined:       "не візьме участі",
		Waiting:        "чекає на вільне місце",
		Delegated:      "доручає іншому",
		Unanswered:     "немає відповіді",
		Yours:          "Ваша відповідь зараз",
		Which:          "На які дати?",
		AllDates:       "На всі дати",
		OneDate:        "Лише на одну з найближчих дат",
		Comment:        "Додати коментар",
		CommentHint:    "Для організатора, не більше 1000 знаків",
		Propose:        "Запропонувати інший час",
		ProposeHint:    "Час вказується за часовим поясом",
		ProposeDates:   "Подія не зміниться, доки її не змінить організатор.",
		Day:            "День",
		From:           "Початок",
		To:             "Кінець",
		Last:           "Останній день",
		Send:           "Надіслати відповідь",
		Ready:          "Поки нічого не надіслано: підтвердьте відповідь кнопкою.",
		Faults:         "Поки нічого не надіслано:",
		NoAnswer:       "Виберіть, чи візьмете ви участь.",
		BadDate:        "Виберіть одну з дат.",
		LongComment:    "Коментар довший за 1000 знаків.",
		HalfTime:       "Для пропозиції потрібні день, початок і кінець.",
		BadTime:        "Запропонований кінець має бути пізніше за початок.",
		PastTime:       "Запропонований час уже минув.",
		WhichTime:      "Виберіть одну дату, для якої ви пропонуєте інший час.",
		Applied:        "Дякуємо, вашу відповідь передано організаторові.",
		Proposed:       "Дякуємо, вашу відповідь і пропозицію передано організаторові. Подія не зміниться, доки її не змінить організатор.",
		Waits:          "Усі місця зайнято. Ви у списку очікування; щойно місце звільниться, ми вам повідомимо.",
		Older:          "Ви вже відповіли пізніше. Чинна та відповідь.",
		Stale:          "Нічого не надіслано: подія змінилася, поки сторінка була відкрита. Подивіться, що в ній тепер, і дайте відповідь ще раз.",
		OffDate:        "Нічого не надіслано: зустріч цього дня скасовано.",
		PastDate:       "Нічого не надіслано: ця зустріч уже минула.",
		Uninvited:      "Нічого не надіслано: вас більше не запрошено.",
		Unknown:        "Нічого не надіслано: такої події більше немає.",
		Over:           "Подію завершено",
		OverText:       "Відповісти на неї вже не можна.",
		Removed:        "Вас більше не запрошено",
		RemovedText:    "Організатор прибрав вас зі списку запрошених. Якщо це для вас несподівано, зверніться до організатора.",
		Cancelled:      "Відповідати більше не потрібно.",
		Foreign:        "Відповідь не прийнято",
		ForeignText:    "Вона надійшла зі сторінки іншого сайту. Відкрийте посилання із запрошення й дайте відповідь там.",
		TooLarge:       "Відповідь задовга",
		TooLargeText:   "Поверніться і скоротіть коментар.",
		Form:           "Відповідь не вдалося прочитати",
		FormText:       "Відкрийте посилання із запрошення й дайте відповідь там.",
		Trouble:        "Зараз надіслати не вдалося. Натисніть кнопку ще раз трохи згодом.",
	},
}
