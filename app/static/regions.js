// Cities of Fly's regions (their documentation, reference/regions), for people who do not read airport codes.
const CITIES = {
  ams: "Amsterdam", arn: "Stockholm", bom: "Mumbai", cdg: "Paris", dfw: "Dallas", ewr: "Secaucus", fra: "Frankfurt",
  gru: "São Paulo", iad: "Ashburn", jnb: "Johannesburg", lax: "Los Angeles", lhr: "London", nrt: "Tokyo",
  ord: "Chicago", sin: "Singapore", sjc: "San Jose", syd: "Sydney", yyz: "Toronto",
};

const CODES = Object.keys(CITIES);

/** "Tokyo (nrt)", or the bare code of a region that is not known here. */
export function placeName(code) {
  return CITIES[code] ? `${CITIES[code]} (${code})` : code || "an unknown region";
}

export function city(code) {
  return CITIES[code] ?? code;
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
