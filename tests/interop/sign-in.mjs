// Signs in at the authorization URL given first and prints the address the client's server is asked for: browsers keep
// the fragment to themselves.
import { Browser } from "./browser.mjs";

const [url, callback] = process.argv.slice(2);
console.log((await new Browser().signIn(url, callback)).href.split("#")[0]);
