// Fly's regions (their documentation, reference/regions): city, latitude and longitude, for people who do not read airport codes.
const REGIONS = {
  ams: ["Amsterdam", 52, 5], arn: ["Stockholm", 60, 18], bom: ["Mumbai", 19, 73], cdg: ["Paris", 49, 2],
  dfw: ["Dallas", 33, -97], ewr: ["Secaucus", 41, -74], fra: ["Frankfurt", 50, 9], gru: ["São Paulo", -24, -47],
  iad: ["Ashburn", 39, -77], jnb: ["Johannesburg", -26, 28], lax: ["Los Angeles", 34, -118], lhr: ["London", 52, 0],
  nrt: ["Tokyo", 36, 140], ord: ["Chicago", 42, -88], sin: ["Singapore", 1, 104], sjc: ["San Jose", 37, -122],
  syd: ["Sydney", -34, 151], yyz: ["Toronto", 44, -79],
};

const CODES = Object.keys(REGIONS);

/** "Tokyo (nrt)", or the bare code of a region that is not known here. */
export function placeName(code) {
  return REGIONS[code] ? `${city(code)} (${code})` : code || "an unknown region";
}

export function city(code) {
  return REGIONS[code]?.[0] ?? code;
}

/** Where a region is on the map (world.svg: a degree is a unit, from 180° west and 84° north), or null. */
export function position(code) {
  const [, latitude, longitude] = REGIONS[code] ?? [];
  return latitude === undefined ? null : { x: longitude + 180, y: 84 - latitude };
}

/** Fill a list of choices: `first`, then the regions where the app has machines, then all others. */
export function offerRegions(select, regions, first) {
  const chosen = select.value;
  const group = (label, codes) => {
    const element = document.createElement("optgroup");
    element.label = label;
    element.append(...codes.map((code) => new Option(placeName(code), code)));
    return element;
  };
  const known = regions.filter((code) => CODES.includes(code));
  const others = CODES.filter((code) => !known.includes(code));
  select.replaceChildren(new Option(first, ""));
  if (known.length) select.append(group("This app is here", known));
  select.append(group("If this app has a machine there", others));
  select.value = chosen;
}
