// What is looked at, and how, in a link.
import type { Attention } from "../engine/attention.ts";
import { WEIGHTS } from "../engine/roles.ts";
import { keptQuery, type Place, samePlace } from "./cursor.ts";
import { type Field, numberOf } from "./hash_field.ts";
import { MOST_KEPT } from "./kept.ts";
import { isAvailable, isMapName } from "./maps.ts";
import type { Session } from "./session.ts";
import { isStageKey } from "./stages.ts";

type ViewField = Field<Session, Session>;

/** Numbers below sizes, one for each; null where the text is something else. */
function indicesOf(text: string, sizes: readonly number[]): number[] | null {
  const numbers = text.split(",").map(numberOf);
  if (numbers.length !== sizes.length) return null;
  const fits = numbers.every((at, i) => Number.isInteger(at) && at >= 0 && at < sizes[i]);
  return fits ? numbers : null;
}

function placeOf(text: string, sizes: Place): Place | null {
  const numbers = indicesOf(text, sizes);
  return numbers && [numbers[0], numbers[1]];
}

/** A patch goes by its cell of b↓, as on screen. */
function patchOf(text: string, attention: Attention): number | null {
  const cell = placeOf(text, [attention.hb, attention.wb]);
  if (!cell) return null;
  const { stride } = attention.config;
  const [row, column] = [cell[0] / stride, cell[1] / stride];
  return Number.isInteger(row) && Number.isInteger(column) ? row * attention.gw + column : null;
}

/** One of the words that a signal may hold; the first is that of an untouched page. */
const word = <Word extends string>(
  name: string,
  signalOf: (session: Session) => { value: Word },
  words: readonly Word[],
): ViewField => ({
  name,
  write: (session) => {
    const { value } = signalOf(session);
    return value === words[0] ? "" : value;
  },
  read: (text, session) => {
    const value = text === "" ? words[0] : words.find((each) => each === text);
    signalOf(session).value = value ?? words[0];
    return value !== undefined;
  },
});

/** A number below a limit, and what an untouched page has. */
const count = <Value extends number | null>(
  name: string,
  signalOf: (session: Session) => { value: Value | number },
  untouched: Value,
  isAllowed: (value: number, session: Session) => boolean,
): ViewField => ({
  name,
  write: (session) => {
    const { value } = signalOf(session);
    return value === untouched ? "" : String(value);
  },
  read: (text, session) => {
    const value = numberOf(text);
    const isRead = text !== "" && isAllowed(value, session);
    signalOf(session).value = isRead ? value : untouched;
    return isRead || text === "";
  },
});

const isBelow = (value: number, size: number) =>
  Number.isInteger(value) && value >= 0 && value < size;

const stage: ViewField = {
  name: "stage",
  write: (session) => session.stage.value,
  read: (text, session) => {
    session.stage.value = isStageKey(text) ? text : WEIGHTS;
    return isStageKey(text) || text === "";
  },
};

const query: ViewField = {
  name: "query",
  write: ({ cursor, kept }) =>
    kept && cursor.value.kind === "query" ? cursor.value.query.join() : "",
  read: (text, session) => {
    const { h, w } = session.attention;
    const place = placeOf(text, [h, w]);
    if (place) session.cursor.value = keptQuery(place);
    return place !== null || text === "";
  },
};

const patch: ViewField = {
  name: "patch",
  write: ({ cursor, kept, attention }) =>
    kept && cursor.value.kind === "patch" ? attention.cellOf(cursor.value.patch).join() : "",
  read: (text, session) => {
    if (text === "") return true;
    const at = patchOf(text, session.attention);
    if (at === null || session.kept) return false;
    session.cursor.value = { kind: "patch", patch: at, query: null, kept: true };
    return true;
  },
};

const pixel: ViewField = {
  name: "pixel",
  write: ({ cursor, kept }) =>
    kept && cursor.value.kind === "pixel" ? cursor.value.pixel.join() : "",
  read: (text, session) => {
    if (text === "") return true;
    const { H, W } = session.run.inputs;
    const at = placeOf(text, [H, W]);
    if (!at || session.kept) return false;
    session.cursor.value = { kind: "pixel", pixel: at, kept: true };
    return true;
  },
};

/** The patch that the kept query is compared with; the query that the kept patch is. */
const beside: ViewField = {
  name: "beside",
  write: ({ cursor: { value: cursor }, kept, attention }) => {
    if (!kept) return "";
    if (cursor.kind === "query" && cursor.partner !== null)
      return attention.cellOf(cursor.partner).join();
    return cursor.kind === "patch" && cursor.query ? cursor.query.join() : "";
  },
  read: (text, session) => {
    if (text === "") return true;
    const { cursor, attention, kept } = session;
    const now = cursor.value;
    if (kept && now.kind === "query") {
      const partner = patchOf(text, attention);
      if (partner === null) return false;
      cursor.value = { ...now, partner };
      return true;
    }
    const at = placeOf(text, [attention.h, attention.w]);
    if (!kept || now.kind !== "patch" || !at) return false;
    cursor.value = { ...now, query: at };
    return true;
  },
};

/** Those that are kept beside the query, in their order. */
const cells: ViewField = {
  name: "cells",
  write: ({ cursor: { value: cursor }, kept, cells: { value: all } }) => {
    const isKeptQuery = kept && cursor.kind === "query";
    if (!isKeptQuery || !samePlace(all.at(-1) ?? null, cursor.query)) return "";
    return all
      .slice(0, -1)
      .map((cell) => cell.join())
      .join(";");
  },
  read: (text, session) => {
    session.cells.value = [];
    if (text === "") return true;
    const cursor = session.cursor.value;
    const { h, w } = session.attention;
    const further = text.split(";").map((cell) => placeOf(cell, [h, w]));
    const known = further.filter((cell) => cell !== null);
    const areAll = known.length === further.length && known.length < MOST_KEPT;
    if (!areAll || !session.kept || cursor.kind !== "query") return false;
    session.cells.value = [...known, cursor.query];
    return true;
  },
};

/** Two corners of the box. */
const region: ViewField = {
  name: "region",
  write: ({ region: { value: box } }) => (box?.isComplete ? [...box.from, ...box.to].join() : ""),
  read: (text, session) => {
    const { h, w } = session.attention;
    const corners = indicesOf(text, [h, w, h, w]);
    session.region.value = corners && {
      from: [corners[0], corners[1]],
      to: [corners[2], corners[3]],
      isComplete: true,
    };
    return corners !== null || text === "";
  },
};

const table: ViewField = {
  name: "table",
  write: ({ showsTable }) => (showsTable.value ? "on" : ""),
  read: (text, session) => {
    session.showsTable.value = text === "on";
    return text === "on" || text === "";
  },
};

const map: ViewField = {
  name: "map",
  write: (session) => session.map.value ?? "",
  read: (text, { map: chosen, run }) => {
    const isPossible = isMapName(text) && isAvailable(text, run);
    chosen.value = isPossible ? text : null;
    return isPossible || text === "";
  },
};

/** In the order in which they are read: a channel may need the sample, `beside` the query. */
export const VIEW_FIELDS: readonly ViewField[] = [
  stage,
  count(
    "sample",
    (session) => session.sample,
    0,
    (at, { run }) => isBelow(at, run.inputs.n),
  ),
  query,
  patch,
  pixel,
  beside,
  cells,
  region,
  count(
    "channel",
    (session) => session.channel,
    null,
    (at, { run }) => isBelow(at, run.inputs.c),
  ),
  word("span", (session) => session.span, ["row", "stage", "everything"]),
  word("tool", (session) => session.tool, ["look", "region", "brush", "erase", "rectangle"]),
  count(
    "brush",
    (session) => session.brush,
    6,
    (size) => isBelow(size - 1, 40),
  ),
  map,
  word("side", (session) => session.side, ["B", "A", "difference"]),
  table,
];
