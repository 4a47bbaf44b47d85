import './style.css';
import { shell } from './shell.ts';

shell('./');
