// Cities of Fly's regions (their documentation, reference/regions), for people who do not read airport codes.
const CITIES = {
  ams: "Amsterdam", arn: "Stockholm", bom: "Mumbai", cdg: "Paris", dfw: "Dallas", ewr: "Secaucus", fra: "Frankfurt",
  gru: "São Paulo", iad: "Ashburn", jnb: "Johannesburg", lax: "Los Angeles", lhr: "London", nrt: "Tokyo",
  ord: "Chicago", sin: "Singapore", sjc: "San Jose", syd: "Sydney", yyz: "Toronto",
};

export const CODES = Object.keys(CITIES);

/** "Tokyo (nrt)", or the bare code of a region that is not known here. */
export function placeName(code) {
  return CITIES[code] ? `${CITIES[code]} (${code})` : code || "an unknown region";
}

export function city(code) {
  return CITIES[code] ?? code;
}
