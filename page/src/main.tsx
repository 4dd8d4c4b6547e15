/** Starts the page. */

import { render } from "preact";
import { App } from "./parts/app";
import { follow } from "./view/address";
import { renew } from "./view/renewal";
import { open } from "./view/state";
import "./styles.css";

follow();
void open();
render(<App />, document.getElementById("app")!);
renew();
