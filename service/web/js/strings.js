// What the page says, in English. Another language is another object of the same shape.

export const say = {
  adding: {
    choose: "Choose recordings",
    submit: "Upload and index",
    camera: "Camera",
    firstFrame: "First frame at",
    zoneOfNew: "Time zone of the new camera",
    unknownZone: "Choose a time zone from the list, such as Europe/Berlin.",
    uploadOf: (file) => `Upload of ${file}`,
    leaveOut: (file) => `Leave out ${file}`,
    order: (n) => `${n} recordings, indexed in this order:`,
    outOfOrder: (file) => `Begins before ${file}, which is listed above. Check both times.`,
  },
  time: {
    dateOf: (label) => `${label}, date`,
    clockOf: (label) => `${label}, time (24 hours)`,
    whichOf: (label) => `${label}, which of the two`,
    choose: "Which one?",
    choice: (index, shift) => `the ${index ? "second" : "first"} (${shift})`,
    utc: (moment) => `UTC: ${moment}`,
    unreadable: "Write the time as 14:05 or 14:05:30.",
    needsDate: "Add the date.",
    needsClock: "Add the time.",
    skipped: (time, day, zone) => `The clocks of ${zone} skip ${time} on ${day}. Choose another time.`,
    twice: (time, day, zone) => `The clocks of ${zone} show ${time} twice on ${day}. Say which one.`,
    wrongOrder: "“From” must be before “To”.",
    from: "From",
    to: "To",
    zone: "Times are those of",
    onClocksOf: (zone) => `Times are those of ${zone}.`,
  },
};
