(function () {
  "use strict";
  var lang = document.documentElement.lang;
  document.querySelectorAll("time").forEach(function (time) {
    var start = new Date(time.dateTime), yours = time.parentNode.querySelector(".yours");
    if (-60 * start.getTimezoneOffset() === Number(time.dataset.offset)) return;
    var format = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, {
      weekday: "long", day: "numeric", month: "long", year: "numeric",
      hour: "2-digit", minute: "2-digit", hourCycle: "h23"
    });
    yours.lastElementChild.textContent = time.dataset.end && format.formatRange
      ? format.formatRange(start, new Date(time.dataset.end)) : format.format(start);
    yours.hidden = false;
  });
  var left = document.getElementById("left");
  if (!left) return;
  // Counted from the server's number: the reader's clock may be wrong.
  var until = Date.now() + 1000 * Number(left.dataset.seconds), done = false;
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function tick() {
    var s = Math.max(0, Math.ceil((until - Date.now()) / 1000)), days = Math.floor(s / 86400);
    left.lastElementChild.textContent = (days ? days + " " + left.dataset.days + " " : "") +
      two(Math.floor(s / 3600) % 24) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
    // A machine that slept has missed its refresh.
    if (s === 0 && !done) { done = true; location.reload(); }
  }
  tick();
  left.hidden = false;
  setInterval(tick, 1000);
})();
